"""Figure 1 of the paper, for Pong: DQN and the asynchronous methods over the time that they take on two cores.

The runs were made on two machines, beside other work.  So the minutes are not theirs: they are a curve's agent steps
divided by the method's speed in RUNS, measured one method after the other on one machine that did nothing else, with

    a3c-numba train --total-steps 2e6 OPTIONS      (stopped after 38 s; the median of steps_per_second)

``python wall_clock.py [PICTURE]`` draws the picture beside this file.
"""

import sys
from pathlib import Path

import numpy as np

from a3c_numba.plots import Series, line_plot

# Folder: name in the picture, agent steps a second on two cores of an Intel Xeon (Ice Lake); DQN uses one of them.
RUNS = {
    "seed0": ("A3C", 1974), "n_step_q": ("n-step Q", 1856), "one_step_q": ("one-step Q", 1125),
    "one_step_sarsa": ("one-step Sarsa", 1113), "dqn": ("DQN", 203),
}
GAMES = 100


def curve(folder: Path, name: str, speed: float) -> Series:
    """Return the mean of the last 100 training games over the minutes that the run's steps take."""
    _, steps, _, scores, _ = np.loadtxt(folder / "episodes.csv", delimiter=",", skiprows=1).T
    total = np.cumsum(np.insert(scores, 0, 0))
    means = (total[GAMES:] - total[:-GAMES]) / GAMES
    return Series(name, steps[GAMES - 1:] / speed / 60, means)


def main(picture: str = "wall_clock.png") -> None:
    """Draw all runs."""
    here = Path(__file__).parent
    line_plot([curve(here / folder, *run) for folder, run in RUNS.items()],
              "Pong on two cores: DQN beside the asynchronous methods", "minutes", "mean score of the last 100 games",
              picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
