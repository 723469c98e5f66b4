"""Read a run's folder for the report.  The run may be old, unfinished or still in progress.

A missing table has no rows, a missing column has no numbers, and an incomplete or invalid row is skipped.  A folder
is rejected only if its config.json is missing or is not that of a run.
"""

import csv
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator, NamedTuple

import numpy as np
import numpy.typing as npt

from ..config import MENUS, NUMBERS
from ..plots.curves import read_evaluations
from ..runs.checkpoint_schema import Fields
from ..runs.run_folder import EPISODE_COLUMNS, EVENT_COLUMNS, OWN_FILES, Progress, RunFolderError
from ..system.number_table import LARGEST, columns_of, number, read_rows

Floats = npt.NDArray[np.float64]
NEEDED = ("algorithm", "optimizer", "network")


class Event(NamedTuple):
    """A row of events.csv; ``worker`` is None where it is about none."""

    seconds: float
    global_step: int
    line: str
    worker: int | None = None


@dataclass(frozen=True)
class Run:
    """The content of a run's folder.

    ``progress`` and ``episodes`` have an array for each column, with NaN for a missing number.  Episodes are in the
    order of ``seconds``; all have a finite time, step and score.  ``evaluations`` (n, 4) are those during training:
    seconds, agent steps, mean, standard error.
    """

    path: Path
    config: Fields                       # config.json
    progress: dict[str, Floats]
    episodes: dict[str, Floats]
    events: list[Event]
    written: tuple[datetime, datetime]   # UTC: times of config.json, and of the last written file
    evaluations: Floats

    @property
    def name(self) -> str:
        """Return the name of the environment."""
        return str(self.config["env"])

    @property
    def steps(self) -> int:
        """Return the agent steps so far."""
        return int(max([0.0, *self.progress["global_step"], *self.episodes["global_step"]]))

    @property
    def seconds(self) -> float:
        """Return the seconds of training so far, wall clock."""
        return float(max([0.0, *self.progress["seconds"], *self.episodes["seconds"]]))

    def last(self, column: str) -> float:
        """Return the last number in this column of progress.csv; 0 if there is none."""
        numbers = self.progress[column][np.isfinite(self.progress[column])]
        return float(numbers[-1]) if len(numbers) else 0.0


def read(path: Path) -> Run:
    """Read the run in the folder ``path``; raise RunFolderError, one line, if there is none."""
    config = _config(path / "config.json")
    progress = columns_of(_rows(path / "progress.csv"), Progress._fields, ("seconds", "global_step"))
    episodes = columns_of(_rows(path / "episodes.csv"), EPISODE_COLUMNS, ("seconds", "global_step", "score"))
    episodes = episodes[:, np.argsort(episodes[0], kind="stable")]       # reports arrive slightly out of order
    times = [file.stat().st_mtime for name in OWN_FILES if (file := path / name).exists()]      # config.json first
    first, last = (datetime.fromtimestamp(time, timezone.utc) for time in (times[0], max(times)))
    return Run(path, config, dict(zip(Progress._fields, progress)), dict(zip(EPISODE_COLUMNS, episodes)),
               list(_events(path / "events.csv")), (min(first, last), last), read_evaluations(path))


def evaluation_of(file: Path, agent: str | None = None) -> Fields | None:
    """Read evaluation.json of ``a3c-numba evaluate``; return None if it is invalid, or not of ``agent``."""
    try:
        found = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        scores = [float(game["score"]) for game in found["games"]]
        figures = [found[name] for name in ("mean", "median", "min", "max")]
        figures.append(found["standard_error"] or 0.0)                   # None: a single game
        known = all(map(math.isfinite, figures))
        is_other = agent is not None and Path(found["agent"]).name != agent
        small = all(abs(score) < LARGEST for score in scores)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return found if scores and known and small and not is_other else None


def _config(file: Path) -> Fields:
    """Read config.json, and check the environment, the parts and the numbers that the report needs."""
    try:
        config = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        names = [config["env"], *(config[part]["name"] for part in MENUS if part in config or part in NEEDED)]
        is_ours = all(isinstance(name, str) for name in names)
        is_ours &= all(isinstance(config.get(part, {}), dict) for part in MENUS)
        is_ours &= all(type(config[name]) is int for name in NUMBERS)
    except FileNotFoundError:
        raise RunFolderError(f"{file.parent} is not a run: it has no config.json") from None
    except OSError as error:
        raise RunFolderError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        is_ours = False
    if not is_ours:
        raise RunFolderError(f"{file.parent} is not a run: its config.json is invalid")
    return config


def _rows(file: Path) -> list[dict[str, str]]:
    """Return the complete rows of a table; no rows if there is no such table."""
    try:
        return read_rows(file)
    except (OSError, csv.Error):
        return []


def _events(file: Path) -> Iterator[Event]:
    for row in _rows(file):
        seconds, step = (number(row.get(name, "")) for name in EVENT_COLUMNS[:2])
        if math.isfinite(seconds) and math.isfinite(step):
            line = row.get("event", "")                                  # version 0.1 named the worker only here
            worker = row["worker"] if "worker" in row else "".join(re.findall(r"^worker (\d{1,4}) ", line))
            yield Event(seconds, int(step), line, int(worker) if worker.isdecimal() else None)
