"""How well updates fitted: the losses of the workers' latest rollouts together, with R held constant.

    policy loss           mean of -log pi(a|s) (R - V), without the entropy; nan for the value methods
    value loss            mean of (R - V)^2, or (R - Q(s, a))^2
    explained variance    1 - Var(R - V) / Var(R); nan if Var(R) is 0

A worker notes the moments of an update, some dozen microseconds of NumPy, and so not of each (worker_process.py).
"""

from typing import Any, NamedTuple

import numpy as np

from ..core.layers.base import Outputs
from ..core.worker import Worker


class Moments(NamedTuple):
    """What the losses of an update of ``steps`` rows are computed from; error is R - V, or R - Q(s, a)."""

    steps: float = 0.0
    policy_loss: float = np.nan
    return_mean: float = np.nan
    return_variance: float = np.nan
    error_mean: float = np.nan
    error_variance: float = np.nan


def moments_of(worker: Worker) -> Moments:
    """Return the moments of a worker's latest update; nan if a part of one's own lacks what they need."""
    if worker.learned is None:                                           # DQN before its warm-up is over
        return Moments()
    try:
        with np.errstate(all="ignore"):                                  # the update may have been skipped
            return _moments(worker, *worker.learned)
    except Exception:                                                    # of an own part: it may learn all the same
        return Moments()


def _moments(worker: Worker, actions: np.ndarray, returns: np.ndarray, outputs: Outputs) -> Moments:
    algorithm, steps, policy_loss = worker.config.algorithm, len(returns), np.nan
    if len(outputs) == 1:
        predicted = outputs[0][np.arange(steps), actions]                # Q(s_t, a_t)
    else:
        predicted = algorithm.value(outputs)                             # V(s_t)
        distribution: Any = worker.distribution
        policy_loss = distribution.loss(outputs[0], actions, algorithm.advantages(returns, outputs), 0.0) / steps
    R = returns.astype(np.float64)
    errors = R - predicted
    return Moments(steps, policy_loss, R.mean(), R.var(), errors.mean(), errors.var())


def losses(moments: np.ndarray) -> tuple[float, float, float]:
    """Return policy loss, value loss and explained variance of several workers' Moments (workers, 6) together."""
    known = moments[np.isfinite(np.delete(moments, 1, axis=1)).all(axis=1)]
    if not len(known):
        return np.nan, np.nan, np.nan
    steps, policy_loss, return_mean, return_variance, error_mean, error_variance = known.T
    share = steps / steps.sum()

    def variance(means: np.ndarray, variances: np.ndarray) -> float:
        return float(share @ (variances + (means - share @ means) ** 2))

    of_returns = variance(return_mean, return_variance)
    explained = 1 - variance(error_mean, error_variance) / of_returns if of_returns > 0 else np.nan
    return float(share @ policy_loss), float(share @ (error_variance + error_mean ** 2)), explained
