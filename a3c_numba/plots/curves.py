"""Line plots with several curves, and the learning curves of runs.

A learning curve shows the mean score of the last 100 finished games (fewer at the start) and, as a faint band, the
10th to 90th percentile of their scores.  A score is the sum of a whole game's rewards, before clipping.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axes, Box, Floats, Span, span_of
from .canvas import GREY, INK, PALETTE, Canvas

WINDOW = 100  # games in a running mean
POINTS = 1200  # of one curve, at most: one for each pixel of a wide picture
NOTHING_YET = "no finished episode yet"


@dataclass(frozen=True)
class Series:
    """One curve: ``y`` (n,) against ``x`` (n,), optionally with a band from ``low`` (n,) to ``high`` (n,)."""

    name: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    low: Optional[npt.ArrayLike] = None
    high: Optional[npt.ArrayLike] = None

    def columns(self) -> Floats:
        """Return the finite points, (4, n): x, y, low, high; without a band ``low`` and ``high`` are ``y``."""
        low, high = (self.y if edge is None else edge for edge in (self.low, self.high))
        columns = np.array([self.x, self.y, low, high], np.float64)
        return columns[:, np.isfinite(columns).all(axis=0)]


@dataclass(frozen=True)
class Labels:
    """The text of a picture: its title, the names of its axes, and the text shown if there is nothing to draw."""

    title: str
    x: str
    y: str
    empty: str = "nothing to draw yet"


def line_plot(series: Sequence[Series], title: str, x_label: str, y_label: str, out: Union[str, Path],
              size: tuple[int, int] = (1200, 700)) -> Axes:
    """Draw ``series`` into the picture ``out``, ``size`` (width, height) pixels; return the axes."""
    return _draw(series, Labels(title, x_label, y_label), out, size)


def learning_curve(runs: Sequence[Union[str, Path]], out: Union[str, Path], x: str = "steps",
                   title: str = "Learning curve", size: tuple[int, int] = (1200, 700)) -> Axes:
    """Draw the scores of the run folders ``runs`` against agent steps (``x="steps"``) or time (``x="minutes"``).

    Raise ValueError for a folder without a readable ``episodes.csv``, and for another ``x``.
    """
    if x not in ("steps", "minutes"):
        raise ValueError(f"x must be 'steps' or 'minutes'; got {x!r}")
    folders = [Path(run) for run in runs]
    episodes = [read_episodes(folder) for folder in folders]
    unit, x_label = _unit(x, episodes)
    column = 1 if x == "steps" else 0
    series = [running(name, run[:, column] / unit, run[:, 2]) for name, run in zip(_names(folders), episodes)]
    y_label = f"score of a game: mean of the last {WINDOW}, and 10th to 90th percentile"
    return _draw(series, Labels(title, x_label, y_label, NOTHING_YET), out, size)


def read_episodes(run: Path) -> Floats:
    """Return the finished episodes of a run folder, (n, 3): seconds, agent steps, score.

    Skip an incomplete line.  Raise ValueError if there is no such table.
    """
    path = run / "episodes.csv"
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(_rows(csv.DictReader(lines)))
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot read the episodes of a run from {path}: {error}") from None
    return np.array(rows, np.float64).reshape(-1, 3)


def _rows(table: "csv.DictReader[str]") -> Iterator[tuple[float, float, float]]:
    """Yield the complete, finite rows; raise KeyError if columns are missing."""
    missing = {"seconds", "global_step", "score", "length"} - set(table.fieldnames or ())
    if missing and table.fieldnames:
        raise KeyError(f"no column {', '.join(sorted(missing))}")
    for row in table:
        try:
            float(row["length"])  # the last column: a line that has it is complete
            numbers = float(row["seconds"]), float(row["global_step"]), float(row["score"])
        except (TypeError, ValueError):
            continue
        if None not in row and all(map(math.isfinite, numbers)):
            yield numbers


def running(name: str, x: Floats, scores: Floats, window: int = WINDOW) -> Series:
    """Return a curve of ``scores`` (n,) at ``x`` (n,): mean, 10th and 90th percentile of each ``window`` of scores."""
    order = np.argsort(x, kind="stable")  # reports of workers arrive slightly out of order
    ends = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    windows = [scores[order[max(0, end - window + 1):end + 1]] for end in ends]
    mean, low, high = (np.array([statistic(games) for games in windows]) for statistic in (
        np.mean, lambda games: np.percentile(games, 10), lambda games: np.percentile(games, 90)))
    return Series(name, x[order[ends]], mean, low, high)


def _unit(x: str, episodes: Sequence[Floats]) -> tuple[float, str]:
    """Return the length of one unit of the x axis, in steps or in seconds, and the label of the axis."""
    if x == "minutes":
        return 60.0, "time (minutes)"
    most = max((run[:, 1].max() for run in episodes if len(run)), default=1e6)
    return (1e6, "agent steps (millions)") if most >= 5e5 else (1e3, "agent steps (thousands)")


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the names of the folders, with their parents' names if two are the same."""
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) == len(names):
        return names
    return [f"{folder.resolve().parent.name}/{name}" for folder, name in zip(folders, names)]


def _draw(series: Sequence[Series], labels: Labels, out: Union[str, Path], size: tuple[int, int]) -> Axes:
    canvas = Canvas(*size)
    curves = [one.columns() for one in series]
    canvas.text(labels.title, (28, 42), 26, INK, bold=True)
    names = [one.name if curve.size else f"{one.name} ({labels.empty})" for one, curve in zip(series, curves)]
    top = _legend(canvas, names) + 62
    axes = Axes(canvas, Box(95, top, size[0] - 40, size[1] - 75), *_spans(curves))
    canvas.text(labels.y, (28, top - 20), 17, GREY)
    canvas.text(labels.x, ((axes.box.left + axes.box.right) / 2, size[1] - 20), 18, INK, align=0.5)
    _draw_curves(axes, curves)
    if not any(curve.size for curve in curves):
        axes.say(labels.empty)
    canvas.save(out)
    return axes


def _legend(canvas: Canvas, names: Sequence[str]) -> float:
    """Draw the names beside strokes in their curves' colours, in several rows if needed; return the last base line."""
    x, y = 28.0, 78.0
    for index, name in enumerate(names):
        width = 44 + canvas.text_width(name, 17)
        if x > 28 and x + width > canvas.width - 40:
            x, y = 28.0, y + 27
        canvas.line([(x, y - 6), (x + 30, y - 6)], PALETTE[index % len(PALETTE)], 4.0)
        canvas.text(name, (x + 38, y), 17)
        x += width + 22
    return y


def _spans(curves: Sequence[Floats]) -> tuple[Span, Span]:
    """Return the spans of the two axes that show every point of every curve and band."""
    points = np.concatenate([np.empty((4, 0)), *curves], axis=1)
    return span_of(points[0], 0.01), span_of(points[1:].ravel(), 0.05)


def _draw_curves(axes: Axes, curves: Sequence[Floats]) -> None:
    """Draw all bands first, so that no band covers a curve."""
    colours = [PALETTE[index % len(PALETTE)] for index in range(len(curves))]
    for (x, _, low, high), colour in zip(curves, colours):
        if len(x) > 1 and np.any(low != high):
            outline = np.concatenate([axes.to_pixels(x, low), axes.to_pixels(x, high)[::-1]])
            axes.canvas.area(outline, colour, 0.16)
    for (x, y, _, _), colour in zip(curves, colours):
        axes.canvas.line(axes.to_pixels(x, y), colour, 3.0)
