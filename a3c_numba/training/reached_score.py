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
    mean, what = -np.inf, f"the last {WINDOW} training games"
    if evaluations and evaluations.latest:
        mean, what = evaluations.latest[1].mean, f"the evaluation of step {evaluations.latest[0]:,}"
    elif not evaluations and len(scores) == WINDOW:
        mean = float(np.mean(scores))
    return f"the mean score of {what}, {mean:.4g}, is at least {stop_at:g}" if mean >= stop_at else None
