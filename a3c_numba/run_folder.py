"""A run's folder on disk.

    config.json      what the run was started with
    progress.csv     a row every few seconds
    episodes.csv     a row for each finished training episode
    curve.png        the learning curve
    latest.npz, best.npz, final.npz
"""

import csv
import sys
from pathlib import Path
from typing import Any, Iterable, NamedTuple

from .pictures import PicturesUnavailable, learning_curve


class Progress(NamedTuple):
    """How a run stands; also a row of progress.csv."""

    seconds: float              # of training, wall clock
    global_step: int            # agent steps of all workers
    steps_per_second: float     # since the row before
    episodes: int               # finished so far
    mean_score: float           # of the last 100 finished episodes, unclipped; nan before the first
    entropy: float              # of the policy, nats, mean over the workers' latest rollouts
    value: float                # mean V(s) of the workers' latest rollouts
    gradient_norm: float        # before clipping, mean over the workers' latest rollouts
    learning_rate: float
    updates: int                # made since this process started, those skipped included
    skipped: int                # updates left out because the gradient was not finite


EPISODE_COLUMNS = ("seconds", "global_step", "worker", "score", "length")


OWN_FILES = ("config.json", "progress.csv", "episodes.csv", "latest.npz", "best.npz", "final.npz", "curve.png",
             "evaluation.json")


class RunFolderError(ValueError):
    """A folder that cannot take, or does not hold, a run; one line."""


class RunFolder:
    """Creates and appends; never replaces a run but where ``overwrite`` says so."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, config_json: str, overwrite: bool = False) -> None:
        """Start a new run; raises RunFolderError where the folder already holds one."""
        if not overwrite and any((self.path / name).exists() for name in OWN_FILES):
            raise RunFolderError(f"{self.path} already holds a run: give --resume {self.path}, --overwrite, "
                                 "or another folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for stale in OWN_FILES:
                (self.path / stale).unlink(missing_ok=True)
            (self.path / "config.json").write_text(config_json + "\n")
            self._write_header("progress.csv", Progress._fields)
            self._write_header("episodes.csv", EPISODE_COLUMNS)
        except OSError as error:
            raise RunFolderError(f"cannot write to {self.path}: {error.strerror}") from None

    def _write_header(self, name: str, columns: Iterable[str]) -> None:
        with open(self.path / name, "w", newline="") as file:
            csv.writer(file).writerow(columns)

    def _append(self, name: str, rows: Iterable[Iterable[Any]]) -> None:
        with open(self.path / name, "a", newline="") as file:
            csv.writer(file).writerows([f"{x:.9g}" if isinstance(x, float) else x for x in row] for row in rows)

    def append_progress(self, row: Progress) -> None:
        """One more row of progress.csv."""
        self._append("progress.csv", [row])

    def append_episodes(self, rows: Iterable[Iterable[Any]]) -> None:
        """More rows of episodes.csv, each with the EPISODE_COLUMNS."""
        self._append("episodes.csv", rows)

    def cut_after(self, global_step: int) -> list[float]:
        """Drop the rows that a resumed run will write again; returns the scores of the episodes that stay."""
        self._cut("progress.csv", global_step)
        return [float(row["score"]) for row in self._cut("episodes.csv", global_step)]

    def _cut(self, name: str, global_step: int) -> list[dict[str, str]]:
        path = self.path / name
        try:
            with open(path, newline="") as file:
                reader = csv.DictReader(file)
                columns = reader.fieldnames or []
                rows = [row for row in reader if None not in row.values() and int(row["global_step"]) <= global_step]
        except (OSError, KeyError, ValueError) as error:
            raise RunFolderError(f"cannot go on with {path}: {error}") from None
        temporary = path.with_suffix(".tmp")
        with open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(path)
        return rows

    def draw_curve(self) -> None:
        """curve.png, or one line on stderr that says why not."""
        try:
            learning_curve([self.path], self.path / "curve.png")
        except (PicturesUnavailable, ValueError, OSError) as error:
            print(f"no learning curve: {error}", file=sys.stderr)
