"""A study of how much sooner more workers reach a score (paper, section 5.2 and table 2).

    speed-up in time of k workers  =  seconds that the first count needs / seconds that k workers need
    speed-up in data               =  agent steps that the first count needs / agent steps that k workers need

A run ends when the mean of its last 100 episodes (fewer at the start, at least 20) reaches the score.  Seconds count
from the first update: they exclude the start of Python and the compilation of kernels, and include the start of the
other workers.  If the score is reached before all workers train, a line says that the run cannot be compared.  With
several seeds the means are compared; with three or more each ratio has the bootstrap's 95 % interval.

    speedup_runs.json, speedup_runs.csv    the settings; one row per run
    speedup.csv                            one row per number of workers
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from ..config import Config
from ..runs.csv_log import as_csv
from ..system.terminal import show
from .study import Study, train_to_score, write

MOST_SEEDS = 1000
FEWEST = 3                     # runs that an interval needs
RESAMPLES = 10_000


class Run(NamedTuple):
    """A run, which is a row of speedup_runs.csv.  ``seconds`` and ``steps`` are nan if the score was not reached."""

    workers: int
    seed: int
    seconds: float
    steps: float
    active: int                 # workers that had made an update when the score was reached


class Count(NamedTuple):
    """The runs with one number of workers, which is a row of speedup.csv.  nan: a seed did not reach the score, here or
    with the first number of workers."""

    workers: int
    runs: int
    reached: int
    seconds: float              # mean over the runs
    steps: float                # agent steps of all workers, mean over the runs
    speedup_time: float
    speedup_data: float
    time_low: float = math.nan      # 2.5th and 97.5th percentile of the two, over resampled runs
    time_high: float = math.nan
    data_low: float = math.nan
    data_high: float = math.nan


def mean(numbers: list[float]) -> float:
    """Return the mean, nan if one of the numbers is."""
    return sum(numbers) / len(numbers)


def interval(first: list[float], own: list[float]) -> tuple[float, float]:
    """Return the bootstrap's 95 % interval of mean(first) / mean(own); nan if one has fewer than FEWEST runs."""
    if min(len(first), len(own)) < FEWEST:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    above, below = (np.array(runs)[rng.integers(len(runs), size=(RESAMPLES, len(runs)))].mean(axis=1)
                    for runs in (first, own))
    low, high = np.percentile(above / below, (2.5, 97.5))
    return float(low), float(high)


def summary(runs: list[Run], counts: list[int]) -> list[Count]:
    """Return a row for each of ``counts``, relative to the first; every count must have runs."""
    rows: list[Count] = []
    first: list[Run] = []
    for workers in counts:
        own = [run for run in runs if run.workers == workers]
        seconds, steps = mean([run.seconds for run in own]), mean([run.steps for run in own])
        reached = sum(not math.isnan(run.steps) for run in own)
        ratios = (rows[0].seconds / seconds, rows[0].steps / steps) if rows else (seconds / seconds, steps / steps)
        time = interval([run.seconds for run in first], [run.seconds for run in own])
        data = interval([run.steps for run in first], [run.steps for run in own])
        first = first or own                                             # whose ratio is 1, without an interval
        rows.append(Count(workers, len(own), reached, seconds, steps, *ratios, *time, *data))
    return rows


def ratio(speedup: float, low: float, high: float) -> str:
    """Return "1.65 (1.50 to 1.81)", without what is nan."""
    text = "--" if math.isnan(speedup) else f"{speedup:.2f}"
    return text if math.isnan(low) else f"{text} ({low:.2f} to {high:.2f})"


def table(rows: list[Count], total_steps: int) -> str:
    """Return the summary as a human-readable table."""
    lines = ["workers  reached      seconds        steps          speed-up: time                    data"]
    for row in rows:
        line = f"{row.workers:7}  {row.reached} of {row.runs}  "
        if row.reached < row.runs:
            line += f"{'':5}not reached within {total_steps:,} steps" + " by every seed" * (row.runs > 1)
        else:
            line += f"{row.seconds:13.1f}{row.steps:13,.0f}"
            line += f"  {ratio(row.speedup_time, row.time_low, row.time_high):>22}"
            line += f"  {ratio(row.speedup_data, row.data_low, row.data_high):>22}"
        lines.append(line)
    return "\n".join(lines)


class Speedup:
    """The study: ``seeds`` runs, with seeds from ``config.seed`` on, for each of ``counts`` workers, in ``folder``.

    ``say`` is called with each run's line.
    """

    def __init__(self, config: Config, counts: list[int], target: float, seeds: int, folder: Path,
                 say: Callable[[str], None] = show) -> None:
        if not math.isfinite(target):
            raise ValueError(f"target-score must be a finite number; got {target}")
        if not 1 <= seeds <= MOST_SEEDS:
            raise ValueError(f"seeds must be at least 1 and at most {MOST_SEEDS}; got {seeds}")
        if len(set(counts)) < len(counts):
            raise ValueError(f"workers must be distinct numbers; got {','.join(map(str, counts))}")
        self.configs = [dataclasses.replace(config, workers=workers, seed=config.seed + k)
                        for workers in counts for k in range(seeds)]
        self.config, self.counts, self.target, self.seeds, self.folder = config, counts, target, seeds, folder
        self.say = say
        self.study = Study(folder, "speedup_runs", Run)

    def open(self) -> None:
        """Begin or resume; raise StudyError if the folder holds another study."""
        settings = json.loads(self.config.to_json())
        del settings["workers"], settings["seed"]
        self.study.open({"target_score": self.target} | settings)

    def run(self) -> str:
        """Make the missing runs, print a line for each, return the table.  Raise WorkerDied, or the interrupt."""
        there = {(row.workers, row.seed): row for row in self.study.rows}
        for config in self.configs:
            key = config.workers, config.seed
            if key not in there:
                _, score = train_to_score(config, self.target)
                seconds, steps = score.reached or (math.nan, math.nan)
                there[key] = Run(*key, seconds - score.begun, float(steps), score.active)
                self.study.append(there[key])
            self.say(f"{self._line(there[key])}\n")
        rows = summary([there[config.workers, config.seed] for config in self.configs], self.counts)
        write(self.folder / "speedup.csv", as_csv([Count._fields, *rows]))
        return table(rows, self.config.total_steps)

    def _line(self, row: Run) -> str:
        told = f"{row.workers} worker{'s' * (row.workers > 1)}, seed {row.seed}: score {self.target:g} "
        if math.isnan(row.steps):
            return told + f"not reached within {self.config.total_steps:,} steps"
        early = f", with {row.active} of the workers started: too soon to compare" if row.active < row.workers else ""
        return told + f"after {row.seconds:.1f} s, {row.steps:,.0f} steps{early}"
