"""What ``Agent.learn`` and ``Agent.resume`` share: the check of their arguments, and the trainer of a run."""

from typing import Callable

from .cluster.settings import Ray
from .cluster.trainer import ClusterTrainer
from .plots.curves import draw_curve
from .progress_bar import ProgressBar
from .runs.checkpoint import Checkpoint
from .runs.progress import Progress
from .runs.run_folder import RunFolder
from .system.text import short_repr
from .training.limits import Limits
from .training.trainer import Trainer

Callback = Callable[[Progress], bool | None]


def check_arguments(name: str, folder: object, callback: object, watch: object, cluster: object) -> None:
    """Raise ValueError, in one line, for arguments that no run can use; ``name`` is the folder's."""
    if folder == "":                                                     # Path("") is the current folder
        raise ValueError(f"{name} must be the name of a folder; got ''")
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function; got {short_repr(callback)}")
    if not isinstance(watch, Limits):
        raise ValueError(f"watch must be Limits(); got {short_repr(watch)}")
    if cluster is not None and not isinstance(cluster, Ray):
        raise ValueError(f"cluster must be Ray(); got {short_repr(cluster)}")


def make_trainer(start: Checkpoint, folder: RunFolder | None, callback: Callback | None, progress: bool,
                 watch: Limits, cluster: Ray | None = None) -> Trainer:
    """Return the trainer of a run that begins with ``start``; OSError if there is no memory for it."""
    reporter = ProgressBar(start.config.total_steps) if progress else None
    if cluster is not None:
        return ClusterTrainer(cluster, start, folder.path if folder else None, reporter, callback, watch, draw_curve)
    return Trainer(start, folder.path if folder else None, reporter, callback, watch, draw_curve)
