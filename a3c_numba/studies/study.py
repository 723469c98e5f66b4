"""What a study of many runs needs: a folder in which it can be gone on with, and a run's score after every episode.

    NAME.json    what the study is of; another study in the same folder is refused
    NAME.csv     a row a run, written as soon as the run is over
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
from ..runs.run_folder import OWN_FILES, STUDIES, WINDOW, Progress
from ..system import atomic_file
from ..system.signals import signals_held
from ..training.trainer import Trainer, start_of
from ..training.worker_status import WorkerStatus

LEAST = 20                     # episodes from which a mean counts
ALL = dict.fromkeys(OWN_FILES, "a run") | STUDIES      # files, and what a folder holds where they are


class StudyError(ValueError):
    """A folder that cannot take, or does not hold, this study; one line."""


class Study:
    """The two files of a study; ``row_type`` is a NamedTuple of ints and floats, its rows so far are in ``rows``."""

    def __init__(self, folder: Path, name: str, row_type: Any) -> None:
        self.folder, self.row_type = folder, row_type
        self.settings, self.table = folder / f"{name}.json", folder / f"{name}.csv"
        self.rows: list[Any] = []

    def open(self, settings: dict[str, Any]) -> None:
        """Begin, or go on; raises StudyError, with everything as it was, where the folder holds anything else."""
        try:
            if self.settings.exists():
                self._check(json.loads(json.dumps(settings)))
                self._read()
            elif self.table.exists():
                raise StudyError(f"{self.table} stands there without {self.settings.name}: give another --out")
            else:
                self._check_free()
                self.folder.mkdir(parents=True, exist_ok=True)
                write(self.table, as_csv([self.row_type._fields]))
                write(self.settings, json.dumps(settings, indent=1) + "\n")
        except OSError as error:
            raise StudyError(f"cannot write to {self.folder}: {error.strerror}") from None

    def _check_free(self) -> None:
        for name, kind in ALL.items():
            if (self.folder / name).exists():
                raise StudyError(f"{self.folder} holds {kind} ({name}): give another --out")

    def _check(self, settings: Any) -> None:
        try:
            found = _flat(json.loads(self.settings.read_text(encoding="utf-8")))
        except ValueError as error:
            raise StudyError(f"{self.settings} cannot be read: {error}") from None
        wanted = _flat(settings)
        for name in [*wanted, *found]:
            if (name in found, found.get(name)) != (name in wanted, wanted.get(name)):
                raise StudyError(f"{self.folder} holds a study with {name} {found.get(name)}, not "
                                 f"{wanted.get(name)}: give another --out")

    def _read(self) -> None:
        """The rows written so far; one that was cut short is dropped, in the file too."""
        text = self.table.read_text(encoding="utf-8") if self.table.exists() else ""
        whole = text[:text.rfind("\n") + 1]
        lines = list(csv.reader(whole.splitlines())) or [list(self.row_type._fields)]
        kinds = self.row_type.__annotations__.values()
        try:
            if lines[0] != list(self.row_type._fields):
                raise ValueError(f"its columns are {', '.join(lines[0])}")
            self.rows = [self.row_type(*(_number(kind, cell) for kind, cell in zip(kinds, line, strict=True)))
                         for line in lines[1:]]
        except ValueError as error:
            raise StudyError(f"cannot go on with {self.table}: {error}") from None
        if whole != text or not text:
            write(self.table, as_csv([lines[0], *self.rows]))

    def append(self, row: Any) -> None:
        """One more row, also on disk."""
        self.rows.append(row)
        with signals_held():
            append_whole(self.table, as_csv([row]).encode(), b"")


def _flat(tree: Any, name: str = "") -> dict[str, Any]:
    """{"optimizer": {"decay": 0.99}} -> {"optimizer.decay": 0.99}."""
    if not isinstance(tree, dict):
        return {name: tree}
    parts = [_flat(below, f"{name}.{part}" if name else part) for part, below in tree.items()]
    return {key: leaf for part in parts for key, leaf in part.items()}


def _number(kind: Any, cell: str) -> Any:
    return math.nan if kind is float and not cell else kind(cell)


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; a signal waits."""
    with signals_held():
        atomic_file.replace(path, text.encode())


class RunningScore:
    """A run's mean score over the last 100 episodes, or as many as there are, after each of them: a Trainer's callback.

    Episodes whose score is not finite are left out.

    Attributes:
        best: the highest mean so far, of at least LEAST episodes; nan before there are as many.
        begun: seconds of the run at its first update, to 0.1: by then the process runs and all kernels are compiled.
        reached: (seconds, agent steps) at which such a mean came to ``target``; None before, and without one.
        active: workers that had made an update by then, or by the last look.
    """

    def __init__(self, status: WorkerStatus, target: float | None = None) -> None:
        self.status, self.target = status, target
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.read = np.zeros(status.workers, np.int64)                  # episodes of each worker
        self.best, self.begun, self.active = math.nan, 0.0, 0
        self.reached: tuple[float, int] | None = None

    def __call__(self, progress: Progress) -> bool:
        """Read on; False, which ends the run, when the target is reached."""
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


def watched(config: Config, target: float | None = None) -> tuple[Checkpoint, RunningScore]:
    """Train, nothing on disk, to the end or to the mean score ``target``; returns where it ended and its scores.

    Raises WorkerDied, UpdatesSkipped, or whatever interrupts the main process.
    """
    trainer = Trainer(start_of(config))
    score = RunningScore(trainer.status, target)
    trainer.callback, trainer.report_seconds = score, 0.0                # at every look
    last = trainer.run()
    assert trainer.standing.latest
    score(trainer.standing.latest)                                       # the episodes since the last look
    return last, score
