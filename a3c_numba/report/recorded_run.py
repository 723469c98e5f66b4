"""What a run's folder has to tell, read for the report: leniently, since a run may be old, unfinished or under way.

A table that is not there is one without rows, a column that is not there is one without numbers, a row that was cut off
or is none is left out.  Only a folder whose config.json is missing, or is of something else, is refused.
"""

import csv
import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import numpy as np
import numpy.typing as npt

from ..config import MENUS, NUMBERS
from ..runs.run_folder import EPISODE_COLUMNS, EVENT_COLUMNS, OWN_FILES, Progress, RunFolderError

Floats = npt.NDArray[np.float64]
Rows = list[dict[str, str]]
STATISTICS = ("mean", "median", "min", "max")
NEEDED = ("algorithm", "optimizer", "network")
LARGEST = 1e300                # beyond it no axis can be drawn: such a number is none


class Event(NamedTuple):
    """A row of events.csv."""

    seconds: float
    global_step: int
    line: str


@dataclass(frozen=True)
class Run:
    """A run's folder, read whole.

    ``progress`` and ``episodes`` have an array for each column, NaN where a row has no number in it; the episodes
    are in the order of ``seconds``, and all have a finite time, step and score.
    """

    path: Path
    config: dict[str, Any]               # config.json
    progress: dict[str, Floats]
    episodes: dict[str, Floats]
    events: list[Event]
    written: tuple[datetime, datetime]   # UTC: config.json, and the file that was written last

    @property
    def name(self) -> str:
        """Of the environment."""
        return str(self.config["env"])

    @property
    def steps(self) -> int:
        """Agent steps so far."""
        return int(max([0.0, *self.progress["global_step"], *self.episodes["global_step"]]))

    @property
    def seconds(self) -> float:
        """Of training so far, wall clock."""
        return float(max([0.0, *self.progress["seconds"], *self.episodes["seconds"]]))

    @property
    def is_finished(self) -> bool:
        """Whether it has made all of its steps."""
        return self.steps >= int(self.config["total_steps"])

    def last(self, column: str) -> float:
        """What the latest row of progress.csv says; 0 where no row says anything."""
        numbers = self.progress[column][np.isfinite(self.progress[column])]
        return float(numbers[-1]) if len(numbers) else 0.0


def read(path: Path) -> Run:
    """The run in the folder ``path``; raises RunFolderError, in one line, where there is none."""
    config = _config(path / "config.json")
    progress = _columns(_rows(path / "progress.csv"), Progress._fields, needed=("seconds", "global_step"))
    episodes = _columns(_rows(path / "episodes.csv"), EPISODE_COLUMNS, needed=("seconds", "global_step", "score"))
    order = np.argsort(episodes["seconds"], kind="stable")               # workers report a little out of turn
    episodes = {name: column[order] for name, column in episodes.items()}
    return Run(path, config, progress, episodes, list(_events(path / "events.csv")), _written(path))


def evaluation_of(file: Path, agent: str | None = None) -> dict[str, Any] | None:
    """evaluation.json as ``a3c-numba evaluate`` writes it, of the agent file ``agent`` if that is given; else None."""
    try:
        found = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        scores = [float(game["score"]) for game in found["games"]]
        figures = [found[name] for name in STATISTICS] + [found["standard_error"] or 0.0]    # None of a single game
        known = all(map(math.isfinite, figures))
        is_other = agent is not None and Path(found["agent"]).name != agent
        small = all(abs(score) < LARGEST for score in scores)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return found if scores and known and small and not is_other else None


def _config(file: Path) -> dict[str, Any]:
    """config.json, of which the report needs the environment, the parts and the numbers of a run."""
    try:
        config = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        names = [config["env"], *(config[part]["name"] for part in MENUS if part in config or part in NEEDED)]
        is_ours = all(isinstance(name, str) for name in names)
        is_ours &= all(isinstance(config.get(part, {}), dict) for part in MENUS)
        is_ours &= all(type(config[name]) is int for name in NUMBERS)
    except FileNotFoundError:
        raise RunFolderError(f"{file.parent}: no run (it has no config.json)") from None
    except OSError as error:
        raise RunFolderError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        is_ours = False
    if not is_ours:
        raise RunFolderError(f"{file.parent}: no run (its config.json is none of ours)")
    return config


def _rows(file: Path) -> Rows:
    """The whole rows of a table; none where there is no such table."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        lines = [line.replace("\0", "") for line in lines if line.endswith("\n")]           # else it was cut off
        rows = list(csv.DictReader(lines))
    except (OSError, csv.Error):
        return []
    return [row for row in rows if None not in row and None not in row.values()]


def _columns(rows: Rows, names: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Floats]:
    """The columns ``names`` as numbers, of the rows in which all that are ``needed`` are finite."""
    table = np.array([[_number(row.get(name, "nan")) for name in names] for row in rows]).reshape(-1, len(names))
    whole = np.isfinite(table[:, [names.index(name) for name in needed]]).all(axis=1)
    return dict(zip(names, table[whole].T))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if abs(number) < LARGEST else math.nan


def _events(file: Path) -> Iterator[Event]:
    for row in _rows(file):
        seconds, step = (_number(row.get(name, "")) for name in EVENT_COLUMNS[:2])
        if math.isfinite(seconds) and math.isfinite(step):
            yield Event(seconds, int(step), row.get("event", ""))


def _written(path: Path) -> tuple[datetime, datetime]:
    times = [file.stat().st_mtime for name in OWN_FILES if (file := path / name).exists()]      # config.json's first
    first, last = (datetime.fromtimestamp(time, timezone.utc) for time in (times[0], max(times)))
    return min(first, last), last
