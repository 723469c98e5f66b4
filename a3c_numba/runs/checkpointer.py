"""A run's checkpoints, those that are due at a moment; a file that the disk refuses costs none of the others.

    latest.npz    always; the ones before it stay as latest-1.npz, latest-2.npz ...
    best.npz      where the mean score is higher than ever
    final.npz     once all steps are made, if no more updates were skipped than may be
"""

from pathlib import Path
from typing import Callable

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .run_folder import WINDOW, RunFolder


def best_of(folder: Path) -> float:
    """The mean score that ``best.npz`` of a run's folder was saved with; -inf where there is none."""
    try:
        score = checkpoints.load(folder / "best.npz").mean_score
    except CheckpointError:
        return -np.inf
    return -np.inf if score is None else score


class Checkpointer:
    """Saves one run, which goes on from ``start``; the folder's events say which file is refused, or written again.

    Attributes:
        best: the mean score of best.npz; -inf where there is none.
        step: of the newest checkpoint on disk; None where there is none.
    """

    def __init__(self, folder: RunFolder, start: Checkpoint, keep: int) -> None:
        self.folder, self.keep, self.events = folder, keep, folder.events
        self.total_steps, self.step = start.config.total_steps, start.global_step or None
        self.best = best_of(folder.path)
        self.refused: set[str] = set()                                   # files that a line has said so of

    def save(self, checkpoint: Checkpoint, episodes: int, valid: bool = True) -> OSError | None:
        """Each file that is due after so many episodes; returns what the first was refused for.

        A run that is not ``valid``, since too many updates were skipped, gets no final.npz.
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
