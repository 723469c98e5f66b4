"""Learning curves of several seeds as one: a mean with an interval.

Each run's curve is the mean score of its last WINDOW games.  At each of POINTS places between the last of the runs'
first games and the first of their last games, for n runs:

    centre     the mean; for n >= 5 the interquartile mean, without the n // 4 lowest and highest (Agarwal et al. 2021)
    interval   2.5th to 97.5th percentile of the centres of RESAMPLES draws of n runs with replacement (bootstrap)

The interval is for other seeds of the same settings.  Two or three runs give a rough one at best.
"""

import re
from pathlib import Path
from typing import Iterable, Sequence, Union

import numpy as np

from .axes import Floats
from .chart import Series
from .curves import NOTHING_YET, SIZE, WINDOW, line_plot, places_of, read_episodes, running
from .drawing import Axes

POINTS, RESAMPLES, ENOUGH = 300, 2000, 5
SEED = re.compile(r"(.+)-s\d+")


def mean_curves(runs: Sequence[Union[str, Path]], out: Union[str, Path], x: str = "steps",
                title: str = "Learning curve", size: tuple[int, int] = SIZE) -> Axes:
    """Draw a curve for each group of run folders, see ``groups_of``; raise ValueError as ``learning_curve`` does."""
    groups = groups_of(map(Path, runs))
    episodes = [[read_episodes(folder) for folder in folders] for folders in groups.values()]
    places, x_label = places_of([run for group in episodes for run in group], x)
    ends = np.cumsum([0, *map(len, episodes)])
    series = [centre_of(name, places[start:end], [run[:, 2] for run in group])
              for name, group, start, end in zip(groups, episodes, ends, ends[1:])]
    y_label = f"score of a game: mean of the last {WINDOW}; mean and 95 % interval of the seeds"
    return line_plot(series, title, x_label, y_label, out, size, NOTHING_YET)


def groups_of(folders: Iterable[Path]) -> dict[str, list[Path]]:
    """Group the folders of one game: game/seed by the folder that they are in, GAME-s0, GAME-s1 by GAME.

    A folder that is named twice counts once.
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in dict.fromkeys(folder.resolve() for folder in folders):
        seed = SEED.fullmatch(path.name)
        groups.setdefault((path.parent, seed[1] if seed else ""), []).append(path)
    names = [name or parent.name for parent, name in groups]
    if len(set(names)) < len(names):
        names = [f"{parent.name}/{name}" if name else f"{parent.parent.name}/{parent.name}" for parent, name in groups]
    if len(set(names)) < len(names):
        names = [str(parent / name) for parent, name in groups]
    return dict(zip(names, groups.values()))


def centre_of(name: str, places: Sequence[Floats], scores: Sequence[Floats]) -> Series:
    """Return the curve of several runs with an interval, from each run's games at ``places`` (n,); skip empty runs."""
    curves = [running("", at, score).columns() for at, score in zip(places, scores) if len(at)]
    how = "interquartile mean" if len(curves) >= ENOUGH else "mean"
    label = f"{name} ({how} of {len(curves)} seeds)" if len(curves) > 1 else f"{name} (one seed)"
    start, end = max((curve[0, 0] for curve in curves), default=0), min((curve[0, -1] for curve in curves), default=-1)
    if start > end:
        return Series(label, [], [])
    x = np.linspace(start, end, POINTS)
    seeds = np.array([np.interp(x, curve[0], curve[1]) for curve in curves])
    low, high = interval(seeds)
    return Series(label, x, centre(seeds), low, high)


def centre(seeds: Floats) -> Floats:
    """Return the centre over the last but one axis, (..., points) of (..., seeds, points)."""
    n = seeds.shape[-2]
    cut = n // 4 if n >= ENOUGH else 0
    return np.sort(seeds, axis=-2)[..., cut:n - cut, :].mean(axis=-2)


def interval(seeds: Floats) -> tuple[Floats, Floats]:
    """Return the bootstrap's 95 % interval of the centre, (points,) twice; the same data give the same interval."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(seeds), size=(RESAMPLES, len(seeds)))
    centres = np.array([centre(seeds[draw]) for draw in draws])
    low, high = np.percentile(centres, (2.5, 97.5), axis=0)
    return low, high
