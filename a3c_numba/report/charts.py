"""The report's curves and histograms as SVG text, some in two sizes, for wide and for narrow screens; the timeline.

The timeline has a lane for each worker, a tick for each game in the colour of its score, and a cross for each death.
Games that end within one pixel of a lane share a tick, in the colour of their mean score.
"""

from typing import Callable

import numpy as np

from ..plots.axes import Axis, Span, lane_axis, log_span, span_of
from ..plots.chart import FIGURE, Boxes, Chart, Panel, Series
from ..plots.colours import BAD, LANE, PALETTE, SHADES, Colour, css
from ..plots.curves import EMPTY, NOTHING_YET, WINDOW, by_steps, curve_panel, running, whiskers
from ..plots.drawing import svg_of
from ..runs.checkpoint_schema import Fields
from .recorded_run import Event, Floats, Run
from .tables import short

Size = tuple[int, int]
WIDE, HALF, NARROW = (1000, 380), (490, 290), (440, 330)       # pixels
BINS = 24                                                      # of a histogram, about
LANES = 64                                                     # at most


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
    """Draw the mean score of the last 100 games, the band of their 10th to 90th percentile, and the evaluations.

    ``x`` are the places of the games, and after them of the evaluations, and the name of the axis.
    """
    scores = run.episodes["score"]
    at, evaluated_at = np.split(x[0], [len(scores)])
    marks = whiskers(evaluated_at, run.evaluations[:, 2:]) if len(evaluated_at) else []
    about = f"{len(scores):,} games" + ("" if not len(scores) else f"; the mean of the last {min(WINDOW, len(scores))} "
                                        f"is {short(scores[-WINDOW:].mean())} at the end")
    panel = curve_panel([running("", at, scores), *marks], x[1], "score of a game", NOTHING_YET, start=[0.0])
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


def histogram(found: Fields, size: Size) -> str:
    """Draw a histogram of the scores of an evaluation's games."""
    scores = np.array([game["score"] for game in found["games"]], np.float64)
    low, high = scores.min(), scores.max()
    if (scores == scores.round()).all() and high - low < 1e15:           # integers: bins are centred on integers
        width = max(1, int(-(-(high - low + 1) // BINS)))
        edges = np.arange(low, high + width + 0.5, width) - 0.5
    else:
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    counts = np.histogram(scores, edges)[0].astype(np.float64)
    about = f"{len(scores)} games, mean {short(scores.mean())}, from {short(low)} to {short(high)}"
    gap = 0.06 * np.diff(edges)
    bars = Boxes(edges[:-1] + gap, edges[1:] - gap, 0.0, counts, least=1.0)
    panel = Panel(Axis(span_of(edges, 0.02), "score of a game"), Axis(span_of([0.0, *counts], 0.1), "games"), [bars])
    return figure_of("Scores of the evaluation's games", size, panel, about)


def scale_of(run: Run) -> Span:
    """Return the scores of the first and last shade: the 2nd and 98th percentile, so that one outlier has no effect."""
    scores = run.episodes["score"]
    return Span(*np.percentile(scores, (2, 98))) if len(scores) else Span(0.0, 1.0)


def lanes_of(run: Run) -> int:
    """Return the number of workers that are shown."""
    workers = run.episodes["worker"]
    seen = int(workers[np.isfinite(workers)].max(initial=-1)) + 1
    return max(1, min(LANES, max(seen, run.config["workers"])))


def timeline(run: Run, width: int) -> str:
    """Draw the timeline, ``width`` pixels wide."""
    lanes, margins = lanes_of(run), FIGURE.margins
    height = max(9, min(30, 480 // lanes))                               # of a lane, pixels
    moments = np.array([*run.episodes["seconds"], *(event.seconds for event in run.events), run.seconds])
    x, x_label = by_time(moments)
    games, times, _ = np.split(x, [len(run.episodes["seconds"]), len(x) - 1])
    axis = from_zero(x, x_label)
    pixel = (axis.span.high - axis.span.low) / (width - margins.left - margins.right)
    floors = np.arange(lanes)
    boxes = [Boxes(*axis.span, floors + 0.05, floors + 0.95, LANE)]
    for lane in range(lanes):
        mine = run.episodes["worker"] == lane
        boxes += _games(games[mine], run.episodes["score"][mine], scale_of(run), lanes - lane - 1.0, pixel)
    events = [_event(event, at, lanes, (pixel, 1 / height)) for event, at in zip(run.events, times.tolist())]
    ticks = lane_axis(lanes, -(-14 // height), label="worker")
    about = f"{lanes} lanes, {len(games):,} games, {len(events)} events"
    panel = Panel(axis, ticks, boxes, events, note="" if len(games) else EMPTY)
    size = width, round(margins.top + lanes * height + margins.bottom)
    return figure_of("Timeline of the workers", size, panel, about)


def _games(moments: Floats, scores: Floats, scale: Span, floor: float, pixel: float) -> list[Boxes]:
    """Return the ticks of a lane, a mark for each shade; ``pixel`` is the time of one pixel."""
    places, index = np.unique((moments / pixel).round(), return_inverse=True)
    means = np.bincount(index, scores) / np.bincount(index) if len(places) else scores
    gap = float(np.median(np.diff(places))) if len(places) > 1 else 4.0
    half, share = 0.5 * min(4.0, max(1.0, 0.7 * gap)), (means - scale.low) / (scale.high - scale.low or 1.0)
    chosen = np.clip(share * len(SHADES), 0, len(SHADES) - 1).astype(np.int64)
    return [Boxes(pixel * (places[chosen == k] - half), pixel * (places[chosen == k] + half), floor + 0.1, floor + 0.9,
                  SHADES[k]) for k in np.unique(chosen)]


def _event(event: Event, at: float, lanes: int, pixel: tuple[float, float]) -> Series:
    """Return a cross, in one stroke, in the lane of the event's worker, or a dashed line through all lanes."""
    width, height = pixel
    if event.worker is None or event.worker >= lanes:
        return Series("", [at, at], [0, lanes + 6 * height], colour=BAD, width=2, is_dashed=True, title=event.line)
    across = at + 5 * width * np.array([-1, 1, 0, 1, -1])
    up = lanes - event.worker - 0.5 + 5 * height * np.array([-1, 1, 0, -1, 1])
    return Series("", across, up, colour=BAD, width=4, title=event.line)


def timeline_key(run: Run) -> str:
    """Return the legend of the timeline's colours and marks, one line of HTML."""
    scale = scale_of(run)
    boxes = "".join(f'<rect fill="{css(one)}" x="{22 * k}" width="22" height="12"/>' for k, one in enumerate(SHADES))
    line = (f'score {short(scale.low)} <svg class="key" width="{22 * len(SHADES)}" height="12" aria-hidden="true">'
            f'{boxes}</svg> {short(scale.high)}')
    if any(event.worker is not None for event in run.events):
        line += ' &nbsp; <span class="bad">&#10005;</span> died and was replaced'
    if any(event.worker is None for event in run.events):
        line += ' &nbsp; <span class="bad">&#9474;</span> another event'
    return line
