"""How a run stands: finished games, speed and gauges, read off what the workers leave in shared memory."""

import math
from collections import deque

import numpy as np

from ..config import Config
from ..core.schedules import linear
from ..core.shared import ENTROPY, EPISODES, NORM, RING, SKIPPED, UPDATES, VALUE, Shared
from ..runs.run_folder import WINDOW, Progress


def finished(shared: Shared, read: np.ndarray) -> list[tuple[float, int, int, float, int]]:
    """Rows of episodes.csv for what has ended since each worker's first ``read`` (workers,) episodes; moves these on.

    Older ones than a ring holds are lost.
    """
    rows = []
    for number, written in enumerate(shared.counters[:, EPISODES].tolist()):
        for k in range(max(int(read[number]), written - RING), written):
            seconds, step, score, length = shared.episodes[number, k % RING].tolist()
            rows.append((seconds, int(step), number, score, int(length)))
        read[number] = written
    return sorted(rows)


class Standing:
    """Counts on from ``seconds`` and ``global_step``, at which the run was taken up.

    Attributes:
        episodes: finished in the whole run.
        scores: of the last WINDOW of them, but for those that are not finite.
        latest: the last ``progress``, or None.
    """

    def __init__(self, shared: Shared, config: Config, seconds: float, global_step: int) -> None:
        self.shared, self.config = shared, config
        self.since, self.speed = (seconds, global_step), 0.0
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.episodes, self._read = 0, np.zeros(len(shared.counters), np.int64)
        self.latest: Progress | None = None

    def go_on_from(self, scores: list[float]) -> None:
        """Go on counting from the scores of a run's earlier episodes."""
        self.scores.extend(filter(math.isfinite, scores))
        self.episodes = len(scores)

    @property
    def mean_score(self) -> float | None:
        """Of ``scores``; None before the first."""
        return float(np.mean(self.scores)) if self.scores else None

    @property
    def skipped(self) -> int:
        """Updates that were left out."""
        return int(self.shared.counters[:, SKIPPED].sum())

    def new_episodes(self) -> list[tuple[float, int, int, float, int]]:
        """Rows of episodes.csv for what has ended since the last call."""
        before = self._read.sum()
        rows = finished(self.shared, self._read)
        self.episodes += int(self._read.sum() - before)
        self.scores.extend(row[3] for row in rows if math.isfinite(row[3]))
        return rows

    def progress(self, alive: int, restarts: int) -> Progress:
        """A row of progress.csv, as of now."""
        shared, seconds, step = self.shared, self.shared.seconds(), self.shared.global_step()
        mean = math.nan if self.mean_score is None else self.mean_score
        updates, skipped = int(shared.counters[:, UPDATES].sum()), self.skipped      # first: who counts has gauges
        gauges = shared.gauges[shared.counters[:, UPDATES] > 0]
        gauges = gauges[np.isfinite(gauges).all(axis=1)]                 # but for an update that was skipped
        entropy, value, norm = (float(gauges[:, k].mean()) if len(gauges) else 0.0 for k in (ENTROPY, VALUE, NORM))
        eta = linear(self.config.optimizer.learning_rate, 0, step / self.config.total_steps)
        speed = self._speed(seconds, step)
        self.latest = Progress(seconds, step, speed, self.episodes, mean, entropy, value, norm, eta, updates, skipped,
                               alive, restarts)
        return self.latest

    def _speed(self, seconds: float, step: int) -> float:
        """Agent steps per second since the speed was last taken; within half a second of that, what was found then."""
        since, before = self.since
        if self.latest is None or seconds - since >= 0.5:
            self.since, self.speed = (seconds, step), (step - before) / max(seconds - since, 1e-9)
        return self.speed
