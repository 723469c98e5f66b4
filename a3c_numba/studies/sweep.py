"""A study of many runs with random learning rates (paper, section 5.3 and figure 2), or another number drawn at random.

    eta_n ~ the given distribution;  theta_n, and all random numbers of run n, from its own seed

Both depend only on the seed of the sweep and the number of the run: a sweep can be resumed, and extended.

    sweep.json     the settings
    sweep.csv      one row per run
    scatter.png    one point per run: x is the number that was drawn, y is the score
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from ..config import Config, menu_name
from ..plots import PicturesUnavailable
from ..plots.curves import NOTHING_YET, scatter_plot
from ..system.signals import block_signals
from ..system.terminal import show, write_without_blocking
from .drawn_parameter import LEARNING_RATE, DrawnParameter
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


def row_type(parameter: str) -> Any:
    """Return the type of a row of sweep.csv, a NamedTuple like ``Run``, if ``parameter`` is drawn."""
    columns = {parameter if name == LEARNING_RATE else name: kind for name, kind in Run.__annotations__.items()}
    return NamedTuple("Run", list(columns.items()))                      # type: ignore[misc]


def drawn(config: Config, parameter: DrawnParameter, number: int) -> Config:
    """Return the configuration of run ``number`` of the sweep with ``config.seed``."""
    rng = np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=(number,)))
    seed, value = int(rng.integers(2**31)), parameter.draw.draw(rng)
    return dataclasses.replace(parameter.put(config, value), seed=seed)


class Sweep:
    """The study: ``runs`` runs in ``folder``, including those that are finished; ``say`` is called with each line."""

    def __init__(self, config: Config, parameter: DrawnParameter, runs: int, folder: Path,
                 say: Callable[[str], None] = show) -> None:
        if runs < 1:
            raise ValueError(f"runs must be at least 1; got {runs}")
        parameter.check(config)
        self.config, self.parameter, self.runs, self.folder, self.say = config, parameter, runs, folder, say
        self.study = Study(folder, "sweep", row_type(parameter.name))
        self.can_draw = True

    def open(self) -> None:
        """Begin or resume; raise StudyError if the folder holds another study."""
        settings, name = json.loads(self.config.to_json()), self.parameter.name
        del settings[self.parameter.part_of(self.config)][name]
        self.study.open({name: dataclasses.asdict(self.parameter.draw)} | settings)

    def run(self) -> None:
        """Make the missing runs, and print a line for each; raise WorkerDied, or the interrupt."""
        there = {row.run for row in self.study.rows}
        if there:
            self.say(f"{len(there)} runs are finished\n")
            self.draw()
        for number in range(1, self.runs + 1):
            if number not in there:
                config = drawn(self.config, self.parameter, number)
                last, score = train_to_score(config)
                mean = math.nan if last.mean_score is None else last.mean_score
                row = self.study.row_type(number, config.seed, self.parameter.value(config), mean, score.best,
                                          last.global_step, last.seconds)
                self.study.append(row)
                self.say(f"{self._line(row)}\n")
                self.draw()

    def _line(self, row: Any) -> str:
        value = row[2] if isinstance(row[2], int) else f"{row[2]:.2e}"
        score, best = ("--" if math.isnan(x) else f"{x:.2f}" for x in (row.score, row.best))
        return (f"run {row.run:{len(str(self.runs))}}/{self.runs}  {self._label} {value}  "
                f"score {score}  best {best}  {row.steps:,} steps  {row.seconds:.1f} s")

    @property
    def _label(self) -> str:
        return self.parameter.name.replace("_", " ")

    def draw(self) -> None:
        """Draw scatter.png; if that fails, write one line to stderr, once."""
        if not self.can_draw:
            return
        config, rows = self.config, self.study.rows
        labels = (f"{config.env_name}, {menu_name(config.algorithm)}, runs of {config.total_steps:,} steps",
                  self._label, "score: mean of a run's last 100 training games")
        try:
            with block_signals():                                        # a signal must not leave half a picture
                draw = self.parameter.draw
                scatter_plot([row[2] for row in rows], [row.score for row in rows], labels,
                             self.folder / "scatter.png", (draw.low, draw.high), NOTHING_YET)
        except (PicturesUnavailable, ValueError, OSError) as error:
            self.can_draw = False
            write_without_blocking(f"no scatter plot: {error}\n")
