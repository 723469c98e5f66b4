"""The driver of a run on a cluster: the trainer, with nodes in place of workers.

The run's folder, reports, checkpoints, curve and signals are the trainer's own.
"""

import dataclasses
from pathlib import Path
from typing import Any, Callable

from ..envs.registry import pack
from ..runs.checkpoint import Checkpoint
from ..runs.progress import Progress
from ..training.limits import Limits
from ..training.progress_tracker import ProgressTracker
from ..training.reporter import Reporter
from ..training.trainer import Trainer
from .engine import RayEngine
from .node import NodeSettings
from .nodes_status import NodesStatus
from .settings import Ray
from .shards import slices
from .supervisor import ClusterSupervisor


class ClusterTrainer(Trainer):
    """One run on a cluster.  Its configuration's ``workers`` are those of each node; ``options`` are Trainer's.

    Raises MissingRay, ClusterError in one line if the cluster cannot take the run, ValueError for too many shards.
    """

    def __init__(self, cluster: Ray, start: Checkpoint, out: Path | None = None, reporter: Reporter | None = None,
                 callback: Callable[[Progress], bool | None] | None = None, limits: Limits = Limits(),
                 draw_curve: Callable[[Path], str | None] | None = None, **options: Any) -> None:
        slices(len(start.theta), cluster.shards)                         # refuses too many shards: nothing is started
        start = dataclasses.replace(start, workers=[])                   # episodes under way are not played again
        super().__init__(start, out, reporter, callback, limits, draw_curve, **options)
        settings = NodeSettings(pack(self.config), start.shapes, start.streams, limits, cluster.every)
        status = self.status = NodesStatus(self.shared, cluster.nodes, self.config.workers, start.seconds)
        engine = RayEngine(cluster, self.config.workers, settings)
        self.supervisor: ClusterSupervisor = ClusterSupervisor(engine, status, start, limits, self.events)
        self.progress_tracker = ProgressTracker(status, self.config, start.seconds, start.global_step)

    def take(self) -> Checkpoint:
        """Return the centre as it is now, or as it was last if no parameter server answers, with its own T."""
        self.supervisor.refresh()
        return self._copy(self.shared.vectors, self.supervisor.state.global_step, [])
