"""Write a run's checkpoint files; a file that cannot be written does not prevent the others.

    latest.npz    always; the ones before it stay as latest-1.npz, latest-2.npz ...
    best.npz      if the mean score is a new maximum
    final.npz     once all steps are made, unless too many updates were skipped
"""

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .progress import WINDOW
from .run_folder import RunFolder


class Checkpointer:
    """Save one run, from ``start`` on; log to the folder's events which file fails, or is written again.

    Attributes:
        best: the mean score of best.npz, or -inf if there is none.
        step: of the newest checkpoint on disk, or None if there is none.
    """

    def __init__(self, folder: RunFolder, start: Checkpoint, keep: int) -> None:
        self.folder, self.keep, self.events = folder, keep, folder.events
        self.total_steps, self.step = start.config.total_steps, start.global_step or None
        config = start.config
        try:
            best = checkpoints.load(folder.path / "best.npz", config.env, config.env_kwargs, algorithm=config.algorithm,
                                    optimizer=config.optimizer, network=config.network).mean_score
        except CheckpointError:
            best = None
        self.best = -np.inf if best is None else best
        self.refused: set[str] = set()                                   # files whose failure has been reported

    def save(self, checkpoint: Checkpoint, episodes: int, valid: bool = True) -> OSError | None:
        """Write every checkpoint file that is due.  Return the first OSError, or None.

        Args: episodes: finished so far.  valid: False if too many updates were skipped; then there is no final.npz.
        """
        due = ["latest.npz"]
        if checkpoint.mean_score is not None and episodes >= WINDOW and checkpoint.mean_score > self.best:
            due.append("best.npz")
        if valid and checkpoint.global_step >= self.total_steps:
            due.append("final.npz")
        errors = [self._write(name, checkpoint) for name in due]
        return next(filter(None, errors), None)

    def _write(self, name: str, checkpoint: Checkpoint) -> OSError | None:
        try:
            if name == "latest.npz":
                self.folder.save(checkpoint, self.keep)
            else:
                checkpoints.save(self.folder.path / name, checkpoint)
        except OSError as error:
            if name not in self.refused:
                self.events.add("not written", detail=f"{name} could not be written, what was there stays: {error}")
            self.refused.add(name)
            return error
        if name in self.refused:
            self.events.add("written again", detail=f"{name} is written again")
        self.refused.discard(name)
        if name == "best.npz":
            self.best = checkpoint.mean_score or 0.0
        else:
            self.step = checkpoint.global_step
        return None
