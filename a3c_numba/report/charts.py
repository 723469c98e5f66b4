"""The report's curves and histograms as SVG text; some in two sizes, for wide and for narrow screens."""

from typing import Any, Callable

import numpy as np

from ..plots.curves import WINDOW, running
from .recorded_run import Floats, Run
from .svg import Axis, Chart, Labels, short

WIDE, HALF, NARROW = (1000, 380), (490, 290), (440, 330)       # pixels
BINS = 24                                                      # of a histogram, about
EMPTY = "nothing to draw yet"


def in_two_sizes(draw: Callable[[tuple[int, int]], str], wide: tuple[int, int] = WIDE,
                 narrow: tuple[int, int] = NARROW) -> str:
    """Return ``draw(size)`` in two sizes; the style sheet shows the one that fits."""
    return f'<div class="wide">{draw(wide)}</div><div class="narrow">{draw(narrow)}</div>'


def by_steps(steps: Floats) -> tuple[Floats, str]:
    """Return agent steps in the unit of an axis, and the name of the axis."""
    unit, name = (1e6, "millions") if steps.max(initial=0.0) >= 5e5 else (1e3, "thousands")
    return steps / unit, f"agent steps ({name})"


def by_time(seconds: Floats) -> tuple[Floats, str]:
    """Return seconds of training in the unit of an axis, and the name of the axis."""
    most = seconds.max(initial=0.0)
    unit, name = (1.0, "seconds") if most < 120 else (60.0, "minutes") if most < 3 * 3600 else (3600.0, "hours")
    return seconds / unit, f"time ({name})"


def from_zero(x: Floats) -> Axis:
    """Return a horizontal axis for ``x`` that starts at 0."""
    return Axis(np.array([0.0, *x]), 0.01)


def learning_curve(run: Run, x: tuple[Floats, str], size: tuple[int, int]) -> str:
    """Draw the mean score of the last 100 games, and the band of their 10th to 90th percentile."""
    scores = run.episodes["score"]
    about = f"{len(scores):,} games" + ("" if not len(scores) else f"; the mean of the last {min(WINDOW, len(scores))} "
                                        f"is {short(scores[-WINDOW:].mean())} at the end")
    curve = running("", x[0], scores) if len(scores) else None
    heights = curve.columns()[1:].ravel() if curve else scores
    labels = Labels(f"Score by {x[1]}", x[1], "score of a game", about)
    chart = Chart(labels, size, from_zero(x[0]), Axis(heights, 0.05))
    chart.rows()
    if curve is None:
        chart.say("no finished episode yet")
        return chart.svg()
    at, mean, low, high = curve.columns()
    chart.band(at, low, high)
    chart.line(at, mean, "curve")
    return chart.svg()


def series(run: Run, column: str, words: tuple[str, str], kind: str = "curve", is_log: bool = False) -> str:
    """Draw a column of progress.csv by agent steps; ``words`` are its title and the name of its axis."""
    x, y = run.progress["global_step"], run.progress[column]
    seen = np.isfinite(y) & ((y > 0) | (not is_log))
    (x, x_label), y = by_steps(x[seen]), y[seen]
    about = f"From {short(y[0])} to {short(y[-1])}, between {short(y.min())} and {short(y.max())}." if len(y) else EMPTY
    chart = Chart(Labels(words[0], x_label, words[1], about), HALF, from_zero(x), Axis(y, 0.08, is_log))
    chart.rows()
    chart.line(x, y, kind)
    if not len(y):
        chart.say(EMPTY)
    return chart.svg()


def throughput(run: Run, size: tuple[int, int]) -> str:
    """Draw steps per second, between reports by time, and of the whole run."""
    speed = run.progress["steps_per_second"]
    seen = np.isfinite(speed)
    (x, x_label), speed = by_time(run.progress["seconds"][seen]), speed[seen]
    mean = run.steps / run.seconds if run.seconds else 0.0
    labels = Labels("Throughput", x_label, f"agent steps per second; dashed: {mean:,.0f}, of the whole run")
    chart = Chart(labels, size, from_zero(x), Axis(np.array([0.0, mean, *speed]), 0.08))
    chart.rows()
    chart.line(x, speed, "curve")
    if len(speed):
        chart.rule(mean)
    else:
        chart.say(EMPTY)
    return chart.svg()


def lengths(run: Run) -> str:
    """Draw the length of games: the mean of the last 100, and the band of their 10th to 90th percentile."""
    seen = np.isfinite(run.episodes["length"])
    (x, x_label), length = by_steps(run.episodes["global_step"][seen]), run.episodes["length"][seen]
    columns = running("", x, length).columns() if len(length) else np.empty((4, 0))
    labels = Labels("Length of games", x_label, "agent steps of a game", f"{len(length):,} games")
    chart = Chart(labels, HALF, from_zero(x), Axis(columns[1:].ravel(), 0.05))
    chart.rows()
    if len(length):
        chart.band(columns[0], columns[2], columns[3])
        chart.line(columns[0], columns[1], "curve")
    else:
        chart.say("no finished episode yet")
    return chart.svg()


def histogram(found: dict[str, Any], size: tuple[int, int]) -> str:
    """Draw a histogram of the scores of an evaluation's games."""
    scores = np.array([game["score"] for game in found["games"]], np.float64)
    edges = _edges(scores)
    counts = np.histogram(scores, edges)[0].astype(np.float64)
    about = f"{len(scores)} games, mean {short(scores.mean())}, from {short(scores.min())} to {short(scores.max())}"
    labels = Labels("Scores of the evaluation's games", "score of a game", "games", about)
    chart = Chart(labels, size, Axis(edges, 0.02), Axis(np.array([0.0, *counts]), 0.1))
    chart.rows()
    chart.bars(edges, counts)
    return chart.svg()


def _edges(scores: Floats) -> Floats:
    """Return the edges of the bins; if all scores are integers, bins have an integer width and are centred on them."""
    low, high = scores.min(), scores.max()
    if (scores == scores.round()).all() and high - low < 1e15:
        width = max(1, int(-(-(high - low + 1) // BINS)))
        return np.arange(low, high + width + 0.5, width) - 0.5
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
