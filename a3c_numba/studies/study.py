"""The parts of a study of many runs: a folder from which it can be resumed, and a run's score after every episode.

    NAME.json    the settings of the study; another study in the same folder is rejected
    NAME.csv     one row per run, written when the run ends
"""

import csv
import json
import math
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..runs.checkpoint import Checkpoint
from ..runs.csv_log import append_whole, as_csv
from ..runs.progress import WINDOW, Progress
from ..runs.run_folder import OWN_FILES, STUDIES
from ..system import atomic_file
from ..system.advised_error import AdvisedError
from ..system.signals import block_signals
from ..training.reporter import LogReporter
from ..training.trainer import Trainer, initial_checkpoint
from ..training.worker_status import WorkerStatus

ANOTHER = "give another folder", "give another --out"      # as advice
LEAST = 20                     # episodes that a mean needs
ALL = dict.fromkeys(OWN_FILES, "a run") | STUDIES      # file name -> what a folder with this file holds


class StudyError(AdvisedError, ValueError):
    """The folder cannot be used for this study; the message is one line."""


class Study:
    """The two files of a study; ``row_type`` is a NamedTuple of ints and floats, its rows so far are in ``rows``."""

    def __init__(self, folder: Path, name: str, row_type: Any) -> None:
        self.folder, self.row_type = folder, row_type
        self.settings, self.table = folder / f"{name}.json", folder / f"{name}.csv"
        self.rows: list[Any] = []

    def open(self, settings: dict[str, object]) -> None:
        """Begin or resume; raise StudyError, and change nothing, if the folder holds anything else."""
        try:
            if self.settings.exists():
                self._check(json.loads(json.dumps(settings)))
                self._read()
            elif self.table.exists():
                raise StudyError(f"{self.table} exists but {self.settings.name} is missing", *ANOTHER)
            else:
                for name, kind in ALL.items():
                    if (self.folder / name).exists():
                        raise StudyError(f"{self.folder} holds {kind} ({name})", *ANOTHER)
                self.folder.mkdir(parents=True, exist_ok=True)
                write(self.table, as_csv([self.row_type._fields]))
                write(self.settings, json.dumps(settings, indent=1) + "\n")
        except OSError as error:
            raise StudyError(f"cannot write to {self.folder}: {error.strerror}") from None

    def _check(self, settings: object) -> None:
        try:
            found = _flat(json.loads(self.settings.read_text(encoding="utf-8")))
        except ValueError as error:
            raise StudyError(f"{self.settings} cannot be read: {error}") from None
        wanted = _flat(settings)
        for name in [*wanted, *found]:
            if (name in found, found.get(name)) != (name in wanted, wanted.get(name)):
                raise StudyError(f"{self.folder} holds a study with {name} {found.get(name)}, not "
                                 f"{wanted.get(name)}", *ANOTHER)

    def _read(self) -> None:
        """Read the rows written so far; drop an incomplete row, also from the file."""
        text = self.table.read_text(encoding="utf-8") if self.table.exists() else ""
        whole = text[:text.rfind("\n") + 1]
        lines = list(csv.reader(whole.splitlines())) or [list(self.row_type._fields)]
        kinds = self.row_type.__annotations__.values()
        try:
            if lines[0] != list(self.row_type._fields):
                raise ValueError(f"its columns are {', '.join(lines[0])}")
            for line in lines[1:]:
                self.rows.append(self.row_type(*(math.nan if kind is float and not cell else kind(cell)
                                                 for kind, cell in zip(kinds, line, strict=True))))
        except ValueError as error:
            raise StudyError(f"cannot resume {self.table}: {error}") from None
        if whole != text or not text:
            write(self.table, as_csv([lines[0], *self.rows]))

    def append(self, row: tuple) -> None:
        """Add a row, also on disk."""
        self.rows.append(row)
        with block_signals():
            append_whole(self.table, as_csv([row]).encode(), b"")


def _flat(tree: object, name: str = "") -> dict[str, object]:
    """Return {"optimizer.decay": 0.99} for {"optimizer": {"decay": 0.99}}."""
    if not isinstance(tree, dict):
        return {name: tree}
    parts = [_flat(below, f"{name}.{part}" if name else part) for part, below in tree.items()]
    return {key: leaf for part in parts for key, leaf in part.items()}


def write(path: Path, text: str) -> None:
    """Write a file atomically; signals are delayed until then."""
    with block_signals():
        atomic_file.replace(path, text.encode())


class RunningScore:
    """A Trainer's callback: the mean score of a run over its last 100 episodes, after each episode.

    Episodes whose score is not finite are skipped.

    Attributes:
        best: the highest mean so far, of at least LEAST episodes; nan before.
        begun: seconds of the run at its first update, to 0.1 s; all kernels are compiled then.
        reached: (seconds, agent steps) at which such a mean reached ``target``; None before, and without a target.
        active: workers that had made an update then, or at the last call.
    """

    def __init__(self, status: WorkerStatus, target: float | None = None) -> None:
        self.status, self.target = status, target
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.read = np.zeros(status.workers, np.int64)                  # episodes of each worker
        self.best, self.begun, self.active = math.nan, 0.0, 0
        self.reached: tuple[float, int] | None = None

    def __call__(self, progress: Progress) -> bool:
        """Read the new episodes; return False, which ends the run, when the target is reached."""
        if not progress.updates:
            self.begun = progress.seconds
        if self.reached is None:
            self.active = int((self.status.updates > 0).sum())
        for seconds, step, _, score, _ in self.status.new_episodes(self.read):
            if not math.isfinite(score):
                continue
            self.scores.append(score)
            mean = sum(self.scores) / len(self.scores)
            if len(self.scores) >= LEAST:
                self.best = max(mean, self.best) if self.best == self.best else mean
                if self.target is not None and mean >= self.target and self.reached is None:
                    self.reached = seconds, step
        return self.reached is None


def train_to_score(config: Config, target: float | None = None) -> tuple[Checkpoint, RunningScore]:
    """Train without files, to the end or to the mean score ``target``; return the last checkpoint and the scores.

    Raise WorkerDied, UpdatesSkipped, or the interrupt of the main process.
    """
    trainer = Trainer(initial_checkpoint(config), None, LogReporter(0.0),              # called as often as possible
                      lambda progress: score(progress))
    score = RunningScore(trainer.status, target)
    return trainer.run(), score                                          # which is called at the end, too
