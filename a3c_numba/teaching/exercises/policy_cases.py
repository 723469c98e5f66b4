"""Cases of the exercises on policies; Categorical and Gaussian give the answers."""

from typing import Iterator

import numpy as np

from ...core.distributions import Categorical, Gaussian
from .case import Case

Rng = np.random.Generator

SOFTMAX_HINTS = {"d_logits": "-A_t ([i = a_t] - pi_i) - beta (-pi_i (log pi_i + H_t)): L has a minus before both terms"}
LOG_PI_HINTS = {"log_pi": "-|a - mu|^2 / (2 v) - n/2 log(2 pi v), the squares summed over the n directions of a row"}
GAUSSIAN_HINTS = {"d_rows": "(a - mu) / v for the mean; (|a - mu|^2 / (2 v^2) - n / (2 v)) dv/dy in the last column"}


def softmax(rng: Rng) -> Iterator[Case]:
    """Yield exercise 3: without entropy, with it, only entropy, a single action, and logits that overflow."""
    for T, n, beta, advantage, scale in [(2, 2, 0.0, 1.0, 1.0), (3, 3, 0.01, 1.0, 1.0), (5, 4, 0.5, 0.0, 1.0),
                                         (2, 1, 0.1, 1.0, 1.0), (4, 6, 0.1, 1.0, 1000.0)]:
        logits, actions = scale * rng.normal(size=(T, n)).round(1), rng.integers(n, size=T)
        advantages = advantage * rng.normal(size=T).round(1) + 0.0       # no -0.0
        expected = Categorical(n).loss_gradient(logits, actions, advantages, beta)
        arguments = {"logits": logits, "actions": actions, "advantages": advantages, "beta": beta}
        yield Case("policy_gradient", arguments, {"d_logits": expected}, SOFTMAX_HINTS)


def gaussian(rng: Rng) -> Iterator[Case]:
    """Yield exercise 7: one direction, several, the mean itself, variances at the floor and far above it."""
    drawn = [(rng.normal(size=(T, n + 1)).round(1) + 0.0, rng.normal(size=(T, n)).round(1) + 0.0)      # no -0.0
             for T, n in [(1, 1), (3, 2), (4, 3)]]
    at_mean = np.array([[0.5, -0.5, 1.0]]), np.array([[0.5, -0.5]])
    extreme = np.array([[0.1, 0.2, -30.0], [0.1, 0.2, 40.0]]), np.array([[0.12, 0.2], [3.0, -2.0]])
    cases = [*drawn, at_mean, extreme]
    for rows, actions in cases:
        one, loss = np.ones(1), Gaussian(-np.ones(actions.shape[1]), np.ones(actions.shape[1])).loss
        log_pi = [-loss(row[None], action[None], one, 0.0) for row, action in zip(rows, actions)]    # L = -log pi A
        expected = {"log_pi": np.array(log_pi)}
        yield Case("log_probability", {"rows": rows, "actions": actions}, expected, LOG_PI_HINTS)
    for rows, actions in cases:
        gradient = Gaussian(-np.ones(actions.shape[1]), np.ones(actions.shape[1])).loss_gradient
        d_rows = gradient(rows, actions, -np.ones(len(rows)), 0.0)       # L = -log pi A, A = -1
        yield Case("log_probability_gradient", {"rows": rows, "actions": actions}, {"d_rows": d_rows}, GAUSSIAN_HINTS)
