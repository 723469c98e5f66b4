"""The workers of all nodes as one ``WorkerStatus``, filled from the nodes' reports: worker w of node k is k W + w."""

import numpy as np

from ..core.shared import Shared
from ..training.losses import Moments
from ..training.worker_status import GAUGES, EpisodeRow, WorkerStatus
from .messages import Report


class NodesStatus(WorkerStatus):
    """What the driver's trainer reads of the workers.  A node that is restarted counts from 0; here it goes on."""

    def __init__(self, shared: Shared, nodes: int, workers: int, seconds: float) -> None:
        super().__init__(shared, nodes * workers, seconds)
        self.per_node = workers
        self.rows: list[EpisodeRow] = []
        self.latest_gauges = np.full((nodes * workers, GAUGES), np.nan)
        self.before = np.zeros((nodes * workers, 4), np.int64)           # of nodes that were lost
        self.joined = [-1] * nodes
        self.latest_moments = [np.zeros((0, len(Moments._fields)))] * nodes

    def take(self, node: int, report: Report) -> None:
        """Take up a node's report."""
        if report.counts is None or report.gauges is None:
            return
        own = slice(node * self.per_node, (node + 1) * self.per_node)
        columns = (self.steps, self.updates, self.skipped, self.episodes)
        if report.joined != self.joined[node]:
            self.joined[node] = report.joined
            self.before[own] = np.stack([column[own] for column in columns], axis=1)
        for column, before, count in zip(columns, self.before[own].T, report.counts.T):
            column[own] = before + count
        self.latest_gauges[own] = report.gauges
        if report.moments is not None:
            self.latest_moments[node] = report.moments
        since = self.seconds() - report.seconds                          # the node's clock began later
        self.rows.extend((seconds + since, step, own.start + worker, score, length)
                         for seconds, step, worker, score, length in report.episodes)
        self.shared.resume_at(max(self.shared.global_step(), report.global_step))

    def lose(self, node: int) -> None:
        """Forget the gauges of a node that was lost."""
        self.latest_moments[node] = self.latest_moments[node][:0]
        self.latest_gauges[node * self.per_node:(node + 1) * self.per_node] = np.nan

    def gauges(self) -> np.ndarray:
        """Return the gauges of all workers, as they were last reported."""
        return self.latest_gauges.copy()

    def moments(self) -> np.ndarray:
        """Return the moments (k, 7) that were last reported."""
        return np.concatenate(self.latest_moments)

    def new_episodes(self, since: np.ndarray) -> list[EpisodeRow]:
        """Return the episodes reported since the last call; set ``since`` (workers,) to how many each has finished."""
        rows, self.rows = self.rows, []
        since[:] = self.episodes
        return sorted(rows)
