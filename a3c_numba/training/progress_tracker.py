"""Track a run's progress: finished episodes, speed and gauges, read from shared memory."""

import math
from collections import deque

import numpy as np

from ..config import Config
from ..core.schedules import linear
from ..runs.progress import WINDOW, Progress
from .losses import losses
from .worker_status import EpisodeRow, WorkerStatus


class ProgressTracker:
    """Count episodes and steps from ``seconds`` and ``global_step``, where the run was started or resumed.

    Attributes:
        episodes: finished in the whole run.
        scores: the last WINDOW finite ones.
        latest: the last ``progress``, or None.
    """

    def __init__(self, status: WorkerStatus, config: Config, seconds: float, global_step: int) -> None:
        self.status, self.config = status, config
        self.since, self.speed = (seconds, global_step), 0.0
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.episodes, self._read = 0, np.zeros(status.workers, np.int64)
        self.latest: Progress | None = None

    def resume_from(self, scores: list[float]) -> None:
        """Resume from the scores of a run's earlier episodes."""
        self.scores.extend(filter(math.isfinite, scores))
        self.episodes = len(scores)

    @property
    def mean_score(self) -> float | None:
        """Return the mean of ``scores``, or None before the first."""
        return float(np.mean(self.scores)) if self.scores else None

    @property
    def skipped(self) -> int:
        """Return the number of skipped updates."""
        return int(self.status.skipped.sum())

    def new_episodes(self) -> list[EpisodeRow]:
        """Return rows of episodes.csv for the episodes finished since the last call."""
        before = self._read.sum()
        rows = self.status.new_episodes(self._read)
        self.episodes += int(self._read.sum() - before)
        self.scores.extend(row[3] for row in rows if math.isfinite(row[3]))
        return rows

    def progress(self, alive: int, restarts: int) -> Progress:
        """Return a row of progress.csv for the present moment."""
        status, seconds, step = self.status, self.status.seconds(), self.status.shared.global_step()
        mean = math.nan if self.mean_score is None else self.mean_score
        updates, skipped = int(status.updates.sum()), self.skipped       # first: what is counted has gauges
        gauges = status.gauges()
        gauges = gauges[np.isfinite(gauges).all(axis=1)]                 # no worker without an update, no skipped one
        entropy, value, norm = gauges.mean(axis=0).tolist() if len(gauges) else (0.0, 0.0, 0.0)
        eta = linear(self.config.optimizer.learning_rate, 0, step / self.config.horizon)
        since, before = self.since
        if self.latest is None or seconds - since >= 0.5:                # else the last measurement of the speed
            self.since, self.speed = (seconds, step), (step - before) / max(seconds - since, 1e-9)
        self.latest = Progress(seconds, step, self.speed, self.episodes, mean, entropy, value, norm, eta, updates,
                               skipped, alive, restarts, *losses(status.moments()))
        return self.latest
