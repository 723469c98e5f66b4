"""Write a run's checkpoint files; a file that cannot be written does not prevent the others.

    latest.npz    always; the ones before it stay as latest-1.npz, latest-2.npz ...
    best.npz      if the mean score is a new maximum; with evaluations during training, if the mean of one is
    final.npz     once the run is over, unless too many updates were skipped
"""

from contextlib import suppress

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .progress import WINDOW
from .run_folder import RunFolder


class Checkpointer:
    """Save one run, from ``start`` on; log to the folder's events which file fails, or is written again.

    Attributes:
        score: the field of a checkpoint that best.npz is chosen by.
        best: this field of best.npz, or -inf if there is none.
        step: of the newest checkpoint on disk, or None if there is none.
    """

    def __init__(self, folder: RunFolder, start: Checkpoint, keep: int, by_evaluation: bool = False) -> None:
        self.folder, self.keep, self.events = folder, keep, folder.events
        self.score = "evaluation_score" if by_evaluation else "mean_score"
        self.total_steps, self.step = start.config.total_steps, start.global_step or None
        self.best, config = -np.inf, start.config
        with suppress(CheckpointError):
            best = checkpoints.load(folder.path / "best.npz", config.env, config.env_kwargs, algorithm=config.algorithm,
                                    optimizer=config.optimizer, network=config.network)
            self.best = self._score_of(best)
            if (best.evaluation_score is not None) != by_evaluation:
                now = "evaluations" if by_evaluation else "the training score"
                self.events.add("evaluation", detail=f"best.npz is chosen by {now} from now on, and was not before")
        self.refused: set[str] = set()                                   # files whose failure has been reported

    def save(self, checkpoint: Checkpoint, episodes: int, valid: bool = True, stopped: bool = False) -> OSError | None:
        """Write every checkpoint file that is due.  Return the first OSError, or None.

        Args:
            episodes: finished so far.
            valid: False if too many updates were skipped; then there is no final.npz.
            stopped: True if the run is over before its last step, in order.
        """
        due = ["latest.npz"]
        if self.score == "mean_score" and episodes >= WINDOW and self._score_of(checkpoint) > self.best:
            due.append("best.npz")
        if valid and (stopped or checkpoint.global_step >= self.total_steps):
            due.append("final.npz")
        errors = [self._write(name, checkpoint) for name in due]
        return next(filter(None, errors), None)

    def save_evaluated(self, checkpoint: Checkpoint) -> OSError | None:
        """Write best.npz if its evaluation's mean is a new maximum.  Return the OSError, or None."""
        return self._write("best.npz", checkpoint) if self._score_of(checkpoint) > self.best else None

    def _score_of(self, checkpoint: Checkpoint) -> float:
        score = getattr(checkpoint, self.score)
        return -np.inf if score is None else float(score)

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
            self.best = self._score_of(checkpoint)
        else:
            self.step = checkpoint.global_step
        return None
