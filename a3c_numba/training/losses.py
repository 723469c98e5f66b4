"""How well updates fitted: the losses of the workers' recent rollouts together, with R held constant; and units on.

    policy loss           mean of -log pi(a|s) (R - V), without the entropy; nan for the value methods
    value loss            mean of (R - V)^2, or (R - Q(s, a))^2
    explained variance    1 - Var(R - V) / Var(R); nan if Var(R) is 0

A worker samples the moments of an update, some dozen microseconds of NumPy, and so not of each (worker_process.py).
One rollout has few rows: a worker's moments are those of all rows that it has sampled, weighed by KEPT^age in samples.
"""

from typing import Any, NamedTuple

import numpy as np

from ..core.layers.base import Outputs
from ..core.worker import Worker
from .units_on import units_on

KEPT = 0.95                    # of a sample's weight when the next one comes: about the last 1 / (1 - KEPT) count


class Moments(NamedTuple):
    """What the losses of ``steps`` rows are computed from; error is R - V, or R - Q(s, a); and ``units_on``."""

    steps: float = 0.0
    policy_loss: float = np.nan
    return_mean: float = np.nan
    return_variance: float = np.nan
    error_mean: float = np.nan
    error_variance: float = np.nan
    units_on: float = np.nan


# Columns that a row may lack: no policy loss of a skipped update or a value method, no ReLU.
MAY_LACK = [Moments._fields.index(name) for name in ("policy_loss", "units_on")]


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
    return Moments(steps, policy_loss, R.mean(), R.var(), errors.mean(), errors.var(), units_on(worker))


def averaged(before: Moments, sample: Moments) -> Moments:
    """Return a worker's moments with those of one more sample; one that is unknown changes nothing."""
    return together(np.array([before._replace(steps=KEPT * before.steps), sample]))


def together(moments: np.ndarray) -> Moments:
    """Return the moments of all rows of several Moments (k, 7); unknown ones do not count."""
    known = moments[np.isfinite(np.delete(moments, MAY_LACK, axis=1)).all(axis=1)]
    if not len(known):
        return Moments()
    steps, policy_loss, return_mean, return_variance, error_mean, error_variance, on = known.T
    share = steps / steps.sum()

    def variance(means: np.ndarray, variances: np.ndarray) -> float:
        return float(share @ (variances + (means - share @ means) ** 2))

    def mean(values: np.ndarray) -> float:
        has = np.isfinite(values)
        return float(share[has] @ values[has] / share[has].sum()) if has.any() else np.nan

    return Moments(steps.sum(), mean(policy_loss), share @ return_mean, variance(return_mean, return_variance),
                   share @ error_mean, variance(error_mean, error_variance), mean(on))


def losses(moments: np.ndarray) -> tuple[float, float, float, float]:
    """Return policy loss, value loss, explained variance and units on of several workers' Moments (workers, 7)."""
    of = together(moments)
    explained = 1 - of.error_variance / of.return_variance if of.return_variance > 0 else np.nan
    return float(of.policy_loss), float(of.error_variance + of.error_mean ** 2), float(explained), float(of.units_on)
