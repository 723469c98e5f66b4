"""A study of many runs with random learning rates (paper, section 5.3 and figure 2).

    eta_n ~ the given distribution;  theta_n, and all random numbers of run n, from its own seed

Both depend only on the seed of the sweep and the number of the run: a sweep can be resumed, and extended.

    sweep.json     the settings
    sweep.csv      one row per run
    scatter.png    one point per run: x is the learning rate, y is the score
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..config import Config, menu_name
from ..plots import PicturesUnavailable
from ..plots.curves import NOTHING_YET, scatter_plot
from ..system.signals import block_signals
from ..system.terminal import show, write_without_blocking
from ..validation import validate
from .study import Study, train_to_score


class Run(NamedTuple):
    """A run of a sweep, which is a row of sweep.csv."""

    run: int                    # from 1
    seed: int
    learning_rate: float        # at step 0
    score: float                # mean of the last 100 training episodes; nan if none was finished
    best: float                 # the highest such mean, of at least 20 episodes; nan if there were fewer
    steps: int
    seconds: float


@dataclass(frozen=True)
class LearningRates:
    """A distribution of learning rates: ``kind`` "loguniform", "uniform", or "fixed", which draws ``low``."""

    kind: str
    low: float
    high: float

    @classmethod
    def read(cls, text: str) -> "LearningRates":
        """Read "loguniform:1e-4:1e-2", "uniform:1e-4:1e-2" or "7e-4"; raise ValueError, one line."""
        kind, *ends = text.split(":") if ":" in text else ("fixed", text, text)
        try:
            low, high = map(float, ends)
        except ValueError:
            low = high = math.nan
        known = kind in ("loguniform", "uniform") and low < high if ":" in text else low == high
        if not known or not 0 < low <= high < math.inf:
            raise ValueError("learning-rate must be a number above 0, or loguniform:LOW:HIGH or uniform:LOW:HIGH with "
                             f"0 < LOW < HIGH; got {text!r}")
        return cls(kind, low, high)

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one learning rate."""
        if self.kind == "fixed":
            return self.low
        if self.kind == "uniform":
            return float(rng.uniform(self.low, self.high))
        return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))


def drawn(config: Config, rates: LearningRates, number: int) -> Config:
    """Return the configuration of run ``number`` of the sweep with ``config.seed``."""
    rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(number,)))
    seed, rate = int(rng.integers(2**31)), rates.draw(rng)
    optimizer = dataclasses.replace(config.optimizer, learning_rate=rate)
    return dataclasses.replace(config, seed=seed, optimizer=optimizer)


class Sweep:
    """The study: ``runs`` runs in ``folder``, including those that are finished."""

    def __init__(self, config: Config, rates: LearningRates, runs: int, folder: Path) -> None:
        if runs < 1:
            raise ValueError(f"runs must be at least 1; got {runs}")
        for rate in (rates.low, rates.high):
            validate(dataclasses.replace(config.optimizer, learning_rate=rate))
        self.config, self.rates, self.runs, self.folder = config, rates, runs, folder
        self.study = Study(folder, "sweep", Run)
        self.can_draw = True

    def open(self) -> None:
        """Begin or resume; raise StudyError if the folder holds another study."""
        settings = json.loads(self.config.to_json())
        del settings["optimizer"]["learning_rate"]
        self.study.open({"learning_rate": dataclasses.asdict(self.rates)} | settings)

    def run(self) -> None:
        """Make the missing runs, and print a line for each; raise WorkerDied, or the interrupt."""
        there = {row.run for row in self.study.rows}
        if there:
            show(f"{len(there)} runs are finished\n")
            self.draw()
        for number in range(1, self.runs + 1):
            if number not in there:
                config = drawn(self.config, self.rates, number)
                last, score = train_to_score(config)
                mean = math.nan if last.mean_score is None else last.mean_score
                row = Run(number, config.seed, config.optimizer.learning_rate, mean, score.best, last.global_step,
                          last.seconds)
                self.study.append(row)
                show(f"{self._line(row)}\n")
                self.draw()

    def _line(self, row: Run) -> str:
        score, best = ("--" if math.isnan(x) else f"{x:.2f}" for x in (row.score, row.best))
        return (f"run {row.run:{len(str(self.runs))}}/{self.runs}  learning rate {row.learning_rate:.2e}  "
                f"score {score}  best {best}  {row.steps:,} steps  {row.seconds:.1f} s")

    def draw(self) -> None:
        """Draw scatter.png; if that fails, write one line to stderr, once."""
        if not self.can_draw:
            return
        config, rows = self.config, self.study.rows
        labels = (f"{config.env_name}, {menu_name(config.algorithm)}, runs of {config.total_steps:,} steps",
                  "learning rate", "score: mean of a run's last 100 training games")
        try:
            with block_signals():                                        # a signal must not leave half a picture
                scatter_plot([row.learning_rate for row in rows], [row.score for row in rows], labels,
                             self.folder / "scatter.png", (self.rates.low, self.rates.high), NOTHING_YET)
        except (PicturesUnavailable, ValueError, OSError) as error:
            self.can_draw = False
            write_without_blocking(f"no scatter plot: {error}\n")
