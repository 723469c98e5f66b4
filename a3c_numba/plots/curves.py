"""Charts with several curves, the learning curves of runs, and scatter plots with a logarithmic x axis.

A learning curve shows the mean score of the last 100 finished games (fewer at the start) and, as a faint band, the
10th to 90th percentile of their scores.  A score is the sum of a whole game's rewards, before clipping.  Evaluations
during training are points with whiskers: their mean, and a standard error to both sides.
"""

import csv
from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

from ..system.number_table import columns_of, read_rows
from .axes import Axis, Floats, log_span, span_of
from .canvas import PicturesUnavailable
from .chart import Chart, Key, Panel, Series, colour_of
from .colours import INK
from .drawing import Axes, save_picture

SIZE = 1200, 700
WINDOW = 100  # games in a running mean
POINTS = 1200  # of one curve, at most: one for each pixel of a wide picture
EMPTY, NOTHING_YET = "nothing to draw yet", "no finished episode yet"


def curve_panel(series: Sequence[Series], x_label: str, y_label: str, empty: str = EMPTY,
                start: Sequence[float] = ()) -> Panel:
    """Return a panel that shows all points of ``series`` and, on the x axis, ``start``."""
    points = np.concatenate([np.empty((4, 0)), *(one.columns() for one in series)], axis=1)
    return Panel(Axis(span_of(np.append(start, points[0]), 0.01), x_label), Axis(span_of(points[1:], 0.05), y_label),
                 series=series, note="" if points.size else empty)


def line_plot(series: Sequence[Series], title: str, x_label: str, y_label: str, out: Union[str, Path],
              size: tuple[int, int] = SIZE, empty: str = EMPTY, marks: Sequence[Series] = ()) -> Axes:
    """Draw ``series`` into the picture ``out``, ``size`` (width, height) pixels; return the axes.

    ``marks`` are drawn over them; those with a name have a key.
    """
    keys = [Key(one.name if one.columns().size else f"{one.name} ({empty})", one.colour or colour_of(k))
            for k, one in enumerate(series)]
    keys += [Key(one.name, one.colour or INK, one.width) for one in marks if one.name]
    return save_picture(Chart(title, size, [curve_panel([*series, *marks], x_label, y_label, empty)], keys), out)[0]


def learning_curve(runs: Sequence[Union[str, Path]], out: Union[str, Path], x: str = "steps",
                   title: str = "Learning curve", size: tuple[int, int] = SIZE) -> Axes:
    """Draw the scores of the run folders ``runs`` against agent steps (``x="steps"``) or time (``x="minutes"``).

    Raise ValueError for a folder without a readable ``episodes.csv``, and for another ``x``.
    """
    folders = [Path(run) for run in runs]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        names = [f"{folder.resolve().parent.name}/{name}" for folder, name in zip(folders, names)]
    episodes, evaluations = [read_episodes(folder) for folder in folders], [*map(read_evaluations, folders)]
    places, x_label = places_of([*episodes, *(found[:, :3] for found in evaluations)], x)
    series = [running(name, at, run[:, 2]) for name, at, run in zip(names, places, episodes)]
    marks = [mark for k, found in enumerate(evaluations) if len(found)
             for mark in whiskers(places[len(folders) + k], found[:, 2:], *((names[k], k) if names[1:] else ("", 1)))]
    y_label = f"score of a game: mean of the last {WINDOW}, and 10th to 90th percentile"
    return line_plot(series, title, x_label, y_label, out, size, NOTHING_YET, marks)


def whiskers(x: Floats, figures: Floats, name: str = "", index: int = 1) -> list[Series]:
    """Return the points of a run's evaluations in the palette's colour ``index``, with a key, and their whiskers.

    ``figures`` (n, 2) are their means and standard errors.
    """
    colour, label = colour_of(index), f"{name}: evaluation, and standard error".removeprefix(": ")
    lines = [Series("", [at, at], [mean - error, mean + error], colour=colour, width=1.5)
             for at, (mean, error) in zip(x, figures)]
    return [*lines, Series(label, x, figures[:, 0], colour=colour, width=4.0, is_joined=False)]


def places_of(episodes: Sequence[Floats], x: str) -> tuple[list[Floats], str]:
    """Return where the games of each run stand on the x axis, and the name of the axis; raise ValueError for ``x``."""
    if x not in ("steps", "minutes"):
        raise ValueError(f"x must be 'steps' or 'minutes'; got {x!r}")
    if x == "minutes":
        return [run[:, 0] / 60 for run in episodes], "time (minutes)"
    steps, x_label = by_steps(np.concatenate([np.empty((0, 3)), *episodes])[:, 1])
    return np.split(steps, np.cumsum([len(run) for run in episodes])), x_label


def draw_curve(run: Path) -> Optional[str]:
    """Draw curve.png into a run's folder; return why it could not be drawn, one line, or None."""
    try:
        learning_curve([run], run / "curve.png")
    except (PicturesUnavailable, ValueError, OSError) as error:
        return str(error)
    return None


def read_episodes(run: Path) -> Floats:
    """Return the finished episodes of a run folder, (n, 3): seconds, agent steps, score.

    Skip an incomplete line.  Raise ValueError if there is no such table.
    """
    path, names = run / "episodes.csv", ("seconds", "global_step", "score")
    try:
        rows = read_rows(path)
    except (OSError, csv.Error) as error:
        raise ValueError(f"cannot read the episodes of a run from {path}: {error}") from None
    if rows and not set(names) <= set(rows[0]):
        raise ValueError(f"cannot read the episodes of a run from {path}: its columns are not {', '.join(names)} ...")
    return columns_of(rows, names, names).T


def read_evaluations(run: Path) -> Floats:
    """Return the evaluations of a run folder, (n, 4): seconds, agent steps, mean, standard error (or NaN)."""
    names = ("seconds", "global_step", "mean", "standard_error")
    try:
        return columns_of(read_rows(run / "evaluations.csv"), names, names[:3]).T
    except (OSError, csv.Error):
        return np.empty((0, 4))


def running(name: str, x: Floats, scores: Floats, window: int = WINDOW) -> Series:
    """Return a curve of ``scores`` (n,) at ``x`` (n,): mean, 10th and 90th percentile of each ``window`` of scores."""
    order = np.argsort(x, kind="stable")  # reports of workers arrive slightly out of order
    ends = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    windows = [scores[order[max(0, end - window + 1):end + 1]] for end in ends]
    mean, low, high = (np.array([statistic(games) for games in windows]) for statistic in (
        np.mean, lambda games: np.percentile(games, 10), lambda games: np.percentile(games, 90)))
    return Series(name, x[order[ends]], mean, low, high)


def by_steps(steps: Floats) -> tuple[Floats, str]:
    """Return agent steps in the unit of an axis, and the name of the axis."""
    unit, name = (1e6, "millions") if steps.max(initial=0.0) >= 5e5 else (1e3, "thousands")
    return steps / unit, f"agent steps ({name})"


def scatter_plot(x: npt.ArrayLike, y: npt.ArrayLike, labels: tuple[str, str, str], out: Union[str, Path],
                 x_range: Sequence[float] = (), empty: str = EMPTY, size: tuple[int, int] = SIZE) -> Axes:
    """Draw the points ``x`` (n,), ``y`` (n,), like the paper's figure of learning rates; return the axes.

    Points that are not finite, or whose x is not above 0, are skipped.  ``x_range`` is always shown.  ``labels`` are
    the title and the names of the axes.
    """
    title, x_label, y_label = labels
    points = np.array([x, y], np.float64).reshape(2, -1)
    points = points[:, np.isfinite(points).all(axis=0) & (points[0] > 0)]
    panel = Panel(Axis(log_span(np.append(points[0], x_range)), x_label, is_log=True),
                  Axis(span_of(points[1], 0.05), y_label), series=[Series("", points[0], points[1], is_joined=False)],
                  note="" if points.size else empty)
    return save_picture(Chart(title, size, [panel]), out)[0]
