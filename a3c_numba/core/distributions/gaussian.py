"""The Gaussian distribution over n real numbers, for continuous control (paper, section 5.3 and supplement 9).

The network has n + 1 outputs per state: a linear mean mu (n,), and y, from which SoftPlus computes one variance for
all directions (spherical covariance):

    v   = log(1 + exp y) + floor                                  dv / dy = 1 / (1 + exp(-y))

    log pi(a) = - |a - mu|^2 / (2 v)  -  n/2 log(2 pi v)
    H         = n/2 (log(2 pi v) + 1)                             differential entropy in nats

    d log pi / d mu = (a - mu) / v            d log pi / d v = |a - mu|^2 / (2 v^2) - n / (2 v)
                                              d H        / d v = n / (2 v)

Actions are drawn from the unbounded Gaussian and clipped to the environment's Box only for execution; the
log-probability is that of the unclipped action.

Departures from the paper: the floor, which keeps 1/v finite if the network drives the variance to 0; and H, for which
the paper has no factor n.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..kernel import kernel
from .base import PolicyGradient

FLOOR = 1e-3                   # the smallest variance


@kernel
def variance(y, floor):
    """Return softplus(y) + floor, without overflow."""
    return max(y, 0 * y) + np.log1p(np.exp(-abs(y))) + floor


@kernel
def policy_gradient(rows, actions, advantages, beta, floor, d_rows):
    """Set d_rows (T, n + 1) to the gradient of sum_t [ -log pi(a_t) A_t - beta H_t ], actions (T, n), A constant."""
    n = actions.shape[1]
    for t in range(len(actions)):
        y = rows[t, n]
        v = variance(y, floor)                                           # v = softplus(y) + floor
        square = 0 * y
        for i in range(n):
            away = actions[t, i] - rows[t, i]
            square += away * away
            d_rows[t, i] = -advantages[t] * away / v                     # log pi = -|a - mu|^2 / 2v ...
        d_log_pi = square / (2 * v * v) - n / (2 * v)                    # log pi = -|a - mu|^2 / 2v - n/2 log v
        d_H = n / (2 * v)                                                # H = n/2 log v + ...
        d_rows[t, n] = (-advantages[t] * d_log_pi - beta * d_H) / (1 + np.exp(-y))    # v = softplus(y)


@dataclass(frozen=True, eq=False)
class Gaussian(PolicyGradient):
    """N(mu, v I), clipped to ``low`` and ``high`` (n,) for execution; ``rows`` below are (T, n + 1)."""

    low: np.ndarray
    high: np.ndarray
    action_dtype: ClassVar[npt.DTypeLike] = np.float32

    @property
    def action_shape(self) -> tuple[int, ...]:
        return self.low.shape

    @property
    def width(self) -> int:
        return len(self.low) + 1

    def sample(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        deviation = np.sqrt(variance(row[-1], row.dtype.type(FLOOR)))
        return (row[:-1] + deviation * rng.standard_normal(len(row) - 1)).astype(np.float32)

    def best(self, rows: np.ndarray) -> np.ndarray:
        return rows[:, :-1].copy()                                       # the means

    def executed(self, action: np.ndarray) -> np.ndarray:
        return np.clip(action, self.low, self.high).astype(self.low.dtype)       # NaN passes and stays visible

    def entropy(self, rows: np.ndarray) -> float:
        v = np.logaddexp(rows[:, -1], 0) + FLOOR
        return float(len(self.low) / 2 * (np.log(2 * np.pi * v) + 1).mean())

    def loss(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> float:
        n, v = len(self.low), np.logaddexp(rows[:, -1], 0) + FLOOR
        log_pi = -((actions - rows[:, :-1]) ** 2).sum(axis=1) / (2 * v) - n / 2 * np.log(2 * np.pi * v)
        H = n / 2 * (np.log(2 * np.pi * v) + 1)
        return float((-log_pi * advantages - beta * H).sum())

    def loss_gradient(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> np.ndarray:
        d_rows, real = np.empty_like(rows), rows.dtype.type
        policy_gradient(rows, actions, advantages, real(beta), real(FLOOR), d_rows)
        return d_rows

    def display_probabilities(self, row: np.ndarray) -> np.ndarray:
        """Return the place of the mean between low and high, 0 to 1 (n,); 0.5 if the Box is unbounded."""
        width = self.high - self.low
        bounded = np.isfinite(width) & (width > 0)
        place = (row[:-1] - np.where(bounded, self.low, 0)) / np.where(bounded, width, 1)
        return np.where(bounded, np.clip(place, 0, 1), 0.5)
