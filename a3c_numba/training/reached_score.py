"""Decide whether a run has reached the score at which it is to end."""

from typing import Sequence

import numpy as np

from ..runs.progress import WINDOW
from .evaluations import Evaluations


def reached_score(stop_at: float | None, scores: Sequence[float], evaluations: Evaluations | None) -> str | None:
    """Return what has reached ``stop_at``, in words, or None.

    It is the mean of the latest evaluation if there are ``evaluations``, else that of the last WINDOW training games;
    ``scores`` are these, or fewer, which do not count yet.
    """
    if stop_at is None:
        return None
    if evaluations:
        step, mean = evaluations.latest or (0, -np.inf)
        what = f"the evaluation of step {step:,}"
    else:
        mean, what = float(np.mean(scores)) if len(scores) == WINDOW else -np.inf, f"the last {WINDOW} training games"
    return f"the mean score of {what}, {mean:.4g}, is at least {stop_at:g}" if mean >= stop_at else None
