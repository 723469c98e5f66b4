"""Write a run's checkpoint files; a file that cannot be written does not prevent the others.

    latest.npz    always; the ones before it stay as latest-1.npz, latest-2.npz ...
    best.npz      if the mean score is a new maximum
    final.npz     once all steps are made, unless too many updates were skipped
"""

from pathlib import Path
from typing import Callable

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .progress import WINDOW
from .run_folder import RunFolder


def best_of(folder: Path) -> float:
    """Return the mean score of ``best.npz`` in a run's folder, or -inf if there is none."""
    try:
        score = checkpoints.load(folder / "best.npz").mean_score
    except CheckpointError:
        return -np.inf
    return -np.inf if score is None else score


class Checkpointer:
    """Save one run, from ``start`` on; log to the folder's events which file fails, or is written again.

    Attributes:
        best: the mean score of best.npz, or -inf if there is none.
        step: of the newest checkpoint on disk, or None if there is none.
    """

    def __init__(self, folder: RunFolder, start: Checkpoint, keep: int) -> None:
        self.folder, self.keep, self.events = folder, keep, folder.events
        self.total_steps, self.step = start.config.total_steps, start.global_step or None
        self.best = best_of(folder.path)
        self.refused: set[str] = set()                                   # files whose failure has been reported

    def save(self, checkpoint: Checkpoint, episodes: int, valid: bool = True) -> OSError | None:
        """Write every checkpoint file that is due.  Return the first OSError, or None.

        Args: episodes: finished so far.  valid: False if too many updates were skipped; then there is no final.npz.
        """
        due = {"latest.npz": self._latest}
        if checkpoint.mean_score is not None and episodes >= WINDOW and checkpoint.mean_score > self.best:
            due["best.npz"] = self._best
        if valid and checkpoint.global_step >= self.total_steps:
            due["final.npz"] = self._final
        errors = [self._write(name, write, checkpoint) for name, write in due.items()]
        return next(filter(None, errors), None)

    def _write(self, name: str, write: Callable[[Checkpoint], None], checkpoint: Checkpoint) -> OSError | None:
        try:
            write(checkpoint)
        except OSError as error:
            if name not in self.refused:
                self.events.add("not written", detail=f"{name} could not be written, what was there stays: {error}")
            self.refused.add(name)
            return error
        if name in self.refused:
            self.events.add("written again", detail=f"{name} is written again")
        self.refused.discard(name)
        return None

    def _latest(self, checkpoint: Checkpoint) -> None:
        self.folder.save(checkpoint, self.keep)
        self.step = checkpoint.global_step

    def _best(self, checkpoint: Checkpoint) -> None:
        checkpoints.save(self.folder.path / "best.npz", checkpoint)
        self.best = checkpoint.mean_score or 0.0

    def _final(self, checkpoint: Checkpoint) -> None:
        checkpoints.save(self.folder.path / "final.npz", checkpoint)
        self.step = checkpoint.global_step
