"""The report's curves and histograms as SVG text; some in two sizes, for wide and for narrow screens."""

from typing import Any, Callable

import numpy as np

from ..plots.axes import Axis, log_span, span_of
from ..plots.chart import FIGURE, Boxes, Chart, Panel, Series
from ..plots.colours import PALETTE, Colour
from ..plots.curves import EMPTY, NOTHING_YET, WINDOW, by_steps, curve_panel, running
from ..plots.drawing import svg_of
from .recorded_run import Floats, Run
from .tables import short

Size = tuple[int, int]
WIDE, HALF, NARROW = (1000, 380), (490, 290), (440, 330)       # pixels
BINS = 24                                                      # of a histogram, about


def in_two_sizes(draw: Callable[[Size], str], wide: Size = WIDE, narrow: Size = NARROW) -> str:
    """Return ``draw(size)`` in two sizes; the style sheet shows the one that fits."""
    return f'<div class="wide">{draw(wide)}</div><div class="narrow">{draw(narrow)}</div>'


def figure_of(title: str, size: Size, panel: Panel, about: str) -> str:
    """Return one panel as SVG text; ``about`` is a description, for screen readers."""
    return svg_of(Chart(title, size, [panel], about=about, style=FIGURE))


def by_time(seconds: Floats) -> tuple[Floats, str]:
    """Return seconds of training in the unit of an axis, and the name of the axis."""
    most = seconds.max(initial=0.0)
    unit, name = (1.0, "seconds") if most < 120 else (60.0, "minutes") if most < 3 * 3600 else (3600.0, "hours")
    return seconds / unit, f"time ({name})"


def from_zero(x: Floats, label: str) -> Axis:
    """Return a horizontal axis for ``x`` that starts at 0."""
    return Axis(span_of(np.append(x, 0.0), 0.01), label)


def learning_curve(run: Run, x: tuple[Floats, str], size: Size) -> str:
    """Draw the mean score of the last 100 games, and the band of their 10th to 90th percentile."""
    scores = run.episodes["score"]
    about = f"{len(scores):,} games" + ("" if not len(scores) else f"; the mean of the last {min(WINDOW, len(scores))} "
                                        f"is {short(scores[-WINDOW:].mean())} at the end")
    panel = curve_panel([running("", x[0], scores)], x[1], "score of a game", NOTHING_YET, start=[0.0])
    return figure_of(f"Score by {x[1]}", size, panel, about)


def lengths(run: Run) -> str:
    """Draw the length of games: the mean of the last 100, and the band of their 10th to 90th percentile."""
    seen = np.isfinite(run.episodes["length"])
    (x, x_label), length = by_steps(run.episodes["global_step"][seen]), run.episodes["length"][seen]
    panel = curve_panel([running("", x, length)], x_label, "agent steps of a game", NOTHING_YET, start=[0.0])
    return figure_of("Length of games", HALF, panel, f"{len(length):,} games")


def series(run: Run, column: str, words: tuple[str, str], colour: Colour = PALETTE[0], is_log: bool = False) -> str:
    """Draw a column of progress.csv by agent steps; ``words`` are its title and the name of its axis."""
    x, y = run.progress["global_step"], run.progress[column]
    seen = np.isfinite(y) & ((y > 0) | (not is_log))
    (x, x_label), y = by_steps(x[seen]), y[seen]
    about = f"From {short(y[0])} to {short(y[-1])}, between {short(y.min())} and {short(y.max())}." if len(y) else EMPTY
    axis = Axis(log_span(y) if is_log else span_of(y, 0.08), words[1], is_log)
    panel = Panel(from_zero(x, x_label), axis, series=[Series("", x, y, colour=colour)], note="" if len(y) else EMPTY)
    return figure_of(words[0], HALF, panel, about)


def throughput(run: Run, size: Size) -> str:
    """Draw steps per second, between reports by time, and of the whole run."""
    speed = run.progress["steps_per_second"]
    seen = np.isfinite(speed)
    (x, x_label), speed = by_time(run.progress["seconds"][seen]), speed[seen]
    mean = run.steps / run.seconds if run.seconds else 0.0
    across = from_zero(x, x_label)
    up = Axis(span_of([0.0, mean, *speed], 0.08), f"agent steps per second; dashed: {mean:,.0f}, of the whole run")
    whole = Series("", across.span, [mean, mean], colour=PALETTE[1], width=1.5, is_dashed=True)
    panel = Panel(across, up, series=[Series("", x, speed), whole]) if len(speed) else Panel(across, up, note=EMPTY)
    return figure_of("Throughput", size, panel, "")


def histogram(found: dict[str, Any], size: Size) -> str:
    """Draw a histogram of the scores of an evaluation's games."""
    scores = np.array([game["score"] for game in found["games"]], np.float64)
    edges = _edges(scores)
    counts = np.histogram(scores, edges)[0].astype(np.float64)
    about = f"{len(scores)} games, mean {short(scores.mean())}, from {short(scores.min())} to {short(scores.max())}"
    gap = 0.06 * np.diff(edges)
    bars = Boxes(edges[:-1] + gap, edges[1:] - gap, 0.0, counts, least=1.0)
    panel = Panel(Axis(span_of(edges, 0.02), "score of a game"), Axis(span_of([0.0, *counts], 0.1), "games"), [bars])
    return figure_of("Scores of the evaluation's games", size, panel, about)


def _edges(scores: Floats) -> Floats:
    """Return the edges of the bins; if all scores are integers, bins have an integer width and are centred on them."""
    low, high = scores.min(), scores.max()
    if (scores == scores.round()).all() and high - low < 1e15:
        width = max(1, int(-(-(high - low + 1) // BINS)))
        return np.arange(low, high + width + 0.5, width) - 0.5
    return np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
