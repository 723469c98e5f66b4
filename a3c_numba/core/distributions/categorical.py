"""The categorical distribution over n actions, softmax of logits: sampling, log-probability, entropy, gradients.

For logits z (n,):

    log pi_i = z_i - log sum_j exp z_j              (computed from z - max z: no overflow, no log of 0)
    H        = - sum_i pi_i log pi_i                 entropy in nats

    d log pi_a / d z_i = [i = a] - pi_i
    d H        / d z_i = - pi_i (log pi_i + H)
"""

from dataclasses import dataclass

import numpy as np

from ..kernel import kernel
from .base import DiscreteActions, PolicyGradient


@kernel
def normalizer(logits):
    """Return max z and sum_j exp(z_j - max z) of logits (n,): the normalizer of the softmax, without overflow."""
    top = logits[0]
    for i in range(1, len(logits)):
        top = max(top, logits[i])
    total = np.exp(logits[0] - top)
    for i in range(1, len(logits)):
        total += np.exp(logits[i] - top)
    return top, total


@kernel
def log_softmax(logits, log_pi):
    """Set log_pi (n,) to the log-probabilities of logits (n,)."""
    top, total = normalizer(logits)
    log_total = top + np.log(total)
    for i in range(len(logits)):
        log_pi[i] = logits[i] - log_total


@kernel
def entropy(log_pi):
    """Return H, in nats, of log-probabilities (n,)."""
    H = -np.exp(log_pi[0]) * log_pi[0]
    for i in range(1, len(log_pi)):
        H -= np.exp(log_pi[i]) * log_pi[i]
    return H


@kernel
def sample(logits, u):
    """Return the action at ``u``, uniform in [0, 1): invert the cumulative distribution of softmax(logits)."""
    top, total = normalizer(logits)
    left = u * total
    for i in range(len(logits) - 1):
        left -= np.exp(logits[i] - top)
        if left < 0:
            return i
    return len(logits) - 1


@kernel
def policy_gradient(logits, actions, advantages, beta, log_pi, d_logits):
    """Set d_logits (T, n) to the gradient of sum_t [ -log pi(a_t) A_t - beta H_t ], with A (T,) held constant.

    log_pi (n,) is scratch.
    """
    for t in range(len(actions)):
        log_softmax(logits[t], log_pi)
        H = entropy(log_pi)
        for i in range(logits.shape[1]):
            pi = np.exp(log_pi[i])
            d_log_pi = (1 - pi) if i == actions[t] else -pi              # log pi_a
            d_H = -pi * (log_pi[i] + H)                                  # H
            d_logits[t, i] = -advantages[t] * d_log_pi - beta * d_H


@kernel
def mean_entropy(logits, log_pi):
    """Return the mean H, in nats, of logits (T, n); log_pi (n,) is scratch."""
    total = 0.0
    for t in range(len(logits)):
        log_softmax(logits[t], log_pi)
        total += entropy(log_pi)
    return total / len(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (..., n) of logits (..., n), for display; the training kernels use log-probabilities."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Categorical(DiscreteActions, PolicyGradient):
    """pi = softmax(z) over ``n`` actions; ``rows`` below are logits (T, n)."""

    n: int

    def sample(self, row: np.ndarray, rng: np.random.Generator) -> int:
        return sample(row, rng.random())

    def entropy(self, rows: np.ndarray) -> float:
        return mean_entropy(rows, np.empty_like(rows[0]))

    def loss(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> float:
        log_pi = rows - np.logaddexp.reduce(rows, axis=1, keepdims=True)
        H = -(np.exp(log_pi) * log_pi).sum(axis=1)
        return float((-log_pi[np.arange(len(actions)), actions] * advantages - beta * H).sum())

    def loss_gradient(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> np.ndarray:
        d_rows = np.empty_like(rows)
        policy_gradient(rows, actions, advantages, rows.dtype.type(beta), np.empty_like(rows[0]), d_rows)
        return d_rows

    def display_probabilities(self, row: np.ndarray) -> np.ndarray:
        return softmax(row)
