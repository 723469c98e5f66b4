"""A run's folder on disk.

    config.json      what the run was started with
    progress.csv     a row every few seconds
    episodes.csv     a row for each finished training episode
    events.csv       a row for each event: a worker that died, an evaluation that failed, the score that ended it
    evaluations.csv  a row for each evaluation during training, if there are any
    curve.png        the learning curve
    latest.npz, best.npz, final.npz
    latest-1.npz, latest-2.npz ...   the checkpoints before the latest, the higher the older
    replay.bin       the replay memory of DQN, if it is to be saved

A full disk ends no run: rows that cannot be written are kept, and written with the next ones.  Files that a resumed run
cannot read are kept: a checkpoint is renamed to NAME.refused, a table is copied to NAME.damaged.
"""

import contextlib
import errno
import re
from pathlib import Path
from typing import Iterable, Mapping

from ..config import EnvSource
from ..system import atomic_file
from ..system.advised_error import AdvisedError
from . import npz, replaced_run
from .checkpoint import Checkpoint, CheckpointError, load_fitting, step_of, write
from .csv_log import CsvLog, encode_rows
from .event_log import EventLog
from .progress import Figures, Progress
from .replay_file import FILE, ReplayFile

EPISODE_COLUMNS = ("seconds", "global_step", "worker", "score", "length")
EVENT_COLUMNS = ("seconds", "global_step", "event", "worker", "kind")     # version 0.1 had the first three
TABLES = {"progress.csv": Progress._fields, "episodes.csv": EPISODE_COLUMNS, "events.csv": EVENT_COLUMNS}
EVALUATIONS = {"evaluations.csv": ("seconds", "global_step", *Figures._fields)}     # made with its first row

OWN_FILES = ("config.json", *TABLES, *EVALUATIONS, "latest.npz", "best.npz", "final.npz", "curve.png",
             "report.html", "evaluation.json", FILE)
STUDIES = {"sweep.json": "a sweep", "speedup_runs.json": "a speed-up"}   # what a folder holds where these files are
OLDER = re.compile(r"latest-([1-9][0-9]*)\.npz")
ASIDE = re.compile(r"(latest(-[0-9]+)?\.npz\.refused|(progress|episodes|evaluations)\.csv\.damaged)(-[0-9]+)?")
STALE = re.compile(r"\.((latest(-[0-9]+)?|best|final)\.npz|(progress|episodes|evaluations)\.csv|curve\.png)"
                   r"\.[0-9]+\.tmp")
AGENTS = ("final.npz", "best.npz", "latest.npz", "latest-1.npz")         # a run's is the first that is there


def default_checkpoint(source: Path) -> Path:
    """Return ``source`` if it is a file, or the agent of that run's folder.  Raises CheckpointError if it has none."""
    if not source.is_dir():
        return source
    found = [source / name for name in AGENTS if (source / name).exists()]
    if not found:
        held = any((source / name).is_dir() for name in (replaced_run.ASIDE, replaced_run.DISCARDED))
        aside = "; a run that was to be replaced is put back by train --resume" * held
        raise CheckpointError(f"{source}: holds no checkpoint (final.npz, best.npz or latest.npz){aside}")
    return found[0]


class RunFolderError(AdvisedError, ValueError):
    """A folder that cannot take, or does not hold, a run; one line."""


class RunFolder:
    """Create a run's folder and append to its files; never replace a run unless ``overwrite`` is set.

    Args:
        events: the log of failures to read or write; a new one by default.

    Attributes:
        replay: the replay memory of the run under way; it is flushed to the disk before each checkpoint.
    """

    replay: ReplayFile | None = None

    def __init__(self, path: Path, events: EventLog | None = None) -> None:
        self.path = path
        self.events = EventLog() if events is None else events
        self._csv_log = CsvLog(path, TABLES | EVALUATIONS, self.events)
        self._refused: list[Path] = []

    def create(self, config_json: str, overwrite: bool = False, saves_replay: bool = False) -> None:
        """Create the files of a new run.  Raises RunFolderError if the folder already holds a run or a study.

        What it overwrites is put aside, until ``discard_replaced``; but the room of replay.bin is given back at once
        if the new run ``saves_replay``.
        """
        self.put_back()
        held = self._held()
        for name, kind in STUDIES.items():
            if (self.path / name).exists():
                raise RunFolderError(f"{self.path} holds {kind} ({name})", "give another folder", "give another --out")
        if held and not overwrite:
            raise RunFolderError(f"{self.path} already holds a run",
                                 f"resume it with Agent.resume({str(self.path)!r}), or give another folder",
                                 f"give --resume {self.path}, --overwrite, or another folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.remove_temporaries()
            if held:
                replaced_run.put_aside(self.path, held)
            self._write_new(config_json)
            if saves_replay:
                (self.path / replaced_run.ASIDE / FILE).unlink(missing_ok=True)
        except OSError as error:
            kept = "; the run in it is kept" if held else ""
            raise RunFolderError(f"cannot write to {self.path}: {error.strerror}{kept}") from None

    def _write_new(self, config_json: str) -> None:
        try:
            atomic_file.write_and_fsync(self.path / "config.json", f"{config_json}\n".encode())
            for name, columns in TABLES.items():
                (self.path / name).write_bytes(encode_rows([columns]))
        except OSError:
            self.undo_create()
            raise

    def undo_create(self) -> None:
        """Undo ``create`` if the run could not be started: remove its files, and put back the run that it replaced."""
        with contextlib.suppress(OSError):
            for name in ("config.json", FILE, *TABLES):
                (self.path / name).unlink(missing_ok=True)
            replaced_run.undo(self.path)

    def put_back(self) -> bool:
        """Put back the run to be replaced, if the new one has saved nothing; True if so.  The folder must be locked."""
        has_saved = any((self.path / name).exists() for name in ("latest.npz", "final.npz", *self._older()))
        try:
            return replaced_run.put_back(self.path) if has_saved else replaced_run.undo(self.path)
        except OSError as error:
            raise RunFolderError(f"cannot write to {self.path}: {error.strerror}") from None

    def discard_replaced(self) -> list[float]:
        """Give up the run that ``create`` has put aside; return the scores that the new run has so far: none."""
        replaced_run.discard(self.path)
        return []

    def _held(self) -> list[str]:
        """Return the names of all files of a run here.  Raises RunFolderError if one of them is a folder."""
        aside = [path.name for path in self.path.glob("*.*.*") if ASIDE.fullmatch(path.name)]
        held = [name for name in (*OWN_FILES, *self._older(), *aside) if (self.path / name).exists()]
        for name in held:
            if (self.path / name).is_dir():
                raise RunFolderError(f"{self.path / name} is a folder, where a run has a file")
        return held

    def _older(self) -> list[str]:
        """Return those of latest-1.npz, latest-2.npz ... that exist, the newest first."""
        found = [match for path in self.path.glob("latest-*.npz") if (match := OLDER.fullmatch(path.name))]
        return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]

    def remove_temporaries(self) -> None:
        """Remove temporary files of killed processes; not while another process writes to the folder."""
        replaced_run.remove_discarded(self.path)
        with contextlib.suppress(OSError):
            for path in [path for path in self.path.iterdir() if STALE.fullmatch(path.name)]:
                path.unlink(missing_ok=True)

    def save(self, checkpoint: Checkpoint, keep: int = 3) -> None:
        """Write latest.npz and keep ``keep`` checkpoints in all; latest.npz is valid at every moment.

        Raises OSError; then latest.npz is unchanged, and nothing of the new one stays.
        """
        if self.replay:
            self.replay.flush()
        try:
            self._write_latest(checkpoint, keep)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not replaced_run.remove_discarded(self.path):
                raise
            self._write_latest(checkpoint, keep)                         # in the room of the run that it replaces
        replaced_run.remove_discarded(self.path)
        if (final := self.path / "final.npz").exists() and step_of(final) <= checkpoint.global_step:
            with contextlib.suppress(OSError):                           # latest.npz is written all the same
                final.unlink()                                           # of a run whose latest.npz was damaged
        if not checkpoint.config.save_replay:                            # given up on resuming, and no sooner
            with contextlib.suppress(OSError):
                (self.path / FILE).unlink(missing_ok=True)

    def _write_latest(self, checkpoint: Checkpoint, keep: int) -> None:
        latest = self.path / "latest.npz"
        with atomic_file.temporary_sibling(latest) as temporary:
            write(temporary, checkpoint)
            npz.rotate(latest, keep)
            atomic_file.rename_and_fsync(temporary, latest)
            npz.prune(latest, keep)

    def load_latest(self, env: EnvSource | None = None, env_kwargs: Mapping[str, object] | None = None,
                    **parts: object) -> tuple[Checkpoint, list[str]]:
        """Return the newest checkpoint that a run can resume from, and a line for each newer one that is rejected.

        ``parts``: the run's objects that are not of this package; see ``Agent.load``.
        Raises CheckpointError, with all reasons, if there is none; RunFolderError if a folder has the name of a file.
        """
        self._held()
        self.remove_temporaries()
        reasons: dict[str, CheckpointError] = {}
        for name in ("latest.npz", *self._older()):
            try:
                checkpoint = load_fitting(self.path / name, env, env_kwargs, **parts)
                if checkpoint.statistics is None and checkpoint.other_optimizer is None:
                    raise CheckpointError(f"{self.path / name}: saved for use only, without the optimiser's statistics")
            except CheckpointError as error:
                reasons[name] = error
                continue
            self._refused = [self.path / refused for refused in reasons if (self.path / refused).exists()]
            return checkpoint, [f"{reason}: going on from {name}, step {checkpoint.global_step:,}"
                                for reason in reasons.values()]
        advice = [reason.advice for reason in reasons.values() if reason.needs_env]
        raise CheckpointError("; ".join(reason.reason for reason in reasons.values()), *advice[:1])

    def quarantine_rejected(self) -> None:
        """Rename rejected checkpoints, so that rotation cannot delete valid ones, and log an event for each."""
        for path in self._refused:
            aside = path.rename(atomic_file.unused_name(path, "refused"))
            self.events.add("renamed", detail=f"{path} is now called {aside.name}")
        self._refused = []

    def append_event(self, seconds: float, global_step: int, line: str, worker: int | None = None,
                     kind: str = "") -> None:
        """Append a row to events.csv."""
        self._csv_log.append("events.csv", [(seconds, global_step, line, worker, kind)])

    def append_progress(self, row: Progress) -> None:
        """Append a row to progress.csv."""
        self._csv_log.append("progress.csv", [row])

    def append_episodes(self, rows: Iterable[Iterable[object]]) -> None:
        """Append rows to episodes.csv, each with the EPISODE_COLUMNS."""
        self._csv_log.append("episodes.csv", rows)

    def append_evaluation(self, checkpoint: Checkpoint, figures: Figures) -> None:
        """Append a row to evaluations.csv, of the parameters in a checkpoint."""
        self._csv_log.append("evaluations.csv", [(checkpoint.seconds, checkpoint.global_step, *figures)])

    def cut_after(self, global_step: int) -> list[float]:
        """Drop the rows that a resumed run will write again; return the scores of the remaining episodes.

        With several workers, an episode that ended while they told their states may be missing then, or be there twice.

        Unreadable rows are dropped too; a copy of the table is kept, and an event says so.  Raises OSError.
        """
        self._csv_log.truncate_after("progress.csv", {"seconds", "global_step"}, global_step)
        self._csv_log.add_columns("events.csv")
        if (self.path / "evaluations.csv").exists():
            self._csv_log.truncate_after("evaluations.csv", {"seconds", "global_step", "mean"}, global_step)
        rows = self._csv_log.truncate_after("episodes.csv", {"seconds", "global_step", "score"}, global_step)
        return [float(row["score"]) for row in rows]
