"""The workers' timeline: a lane for each worker, a tick for each game in the colour of its score, a cross per death.

Games that end within one pixel of a lane share a tick, in the colour of their mean score.
"""

import numpy as np

from ..plots.axes import Floats, Span
from ..plots.chart import FIGURE, Boxes, Panel, Series
from ..plots.colours import BAD, LANE, SHADES, css
from ..plots.curves import EMPTY
from ..plots.lanes import lane_axis
from .charts import Size, by_time, figure_of, from_zero
from .recorded_run import Event, Run
from .tables import short

LANES = 64                     # at most
TALLEST, LOWEST = 30, 9        # height of a lane, pixels
AROUND = FIGURE.margins.top + FIGURE.margins.bottom            # pixels of a chart above and below its lanes


def scale_of(run: Run) -> Span:
    """Return the scores of the first and of the last shade: the 2nd and the 98th percentile of all games, so that one
    outlier does not flatten the colours."""
    scores = run.episodes["score"]
    return Span(*np.percentile(scores, (2, 98))) if len(scores) else Span(0.0, 1.0)


def lanes_of(run: Run) -> int:
    """Return the number of workers that are shown."""
    workers = run.episodes["worker"]
    seen = int(workers[np.isfinite(workers)].max(initial=-1)) + 1
    return max(1, min(LANES, max(seen, run.config["workers"])))


def height_of(run: Run) -> int:
    """Return the height of a lane, in pixels."""
    return max(LOWEST, min(TALLEST, 480 // lanes_of(run)))


def size_of(run: Run, width: int) -> Size:
    """Return (width, height) of a timeline of this width."""
    return width, round(AROUND + lanes_of(run) * height_of(run))


def timeline(run: Run, size: Size) -> str:
    """Draw the timeline."""
    lanes, floors = lanes_of(run), np.arange(lanes_of(run))
    moments = np.array([*run.episodes["seconds"], *(event.seconds for event in run.events), run.seconds])
    x, x_label = by_time(moments)
    games, times, _ = np.split(x, [len(run.episodes["seconds"]), len(x) - 1])
    axis = from_zero(x, x_label)
    pixel = (axis.span.high - axis.span.low) / (size[0] - FIGURE.margins.left - FIGURE.margins.right)
    boxes = [Boxes(*axis.span, floors + 0.05, floors + 0.95, LANE)]
    for lane in range(lanes):
        mine = run.episodes["worker"] == lane
        boxes += _games(games[mine], run.episodes["score"][mine], scale_of(run), lanes - lane - 1.0, pixel)
    events = [_event(event, at, lanes, (pixel, 1 / height_of(run))) for event, at in zip(run.events, times.tolist())]
    ticks = lane_axis(lanes, -(-14 // height_of(run)), label="worker")
    about = f"{lanes} lanes, {len(games):,} games, {len(events)} events"
    panel = Panel(axis, ticks, boxes, events, note="" if len(games) else EMPTY)
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


def key(run: Run) -> str:
    """Return the legend of the colours and marks, one line of HTML."""
    scale = scale_of(run)
    boxes = "".join(f'<rect fill="{css(one)}" x="{22 * k}" width="22" height="12"/>' for k, one in enumerate(SHADES))
    line = (f'score {short(scale.low)} <svg class="key" width="{22 * len(SHADES)}" height="12" aria-hidden="true">'
            f'{boxes}</svg> {short(scale.high)}')
    if any(event.worker is not None for event in run.events):
        line += ' &nbsp; <span class="bad">&#10005;</span> died and was replaced'
    if any(event.worker is None for event in run.events):
        line += ' &nbsp; <span class="bad">&#9474;</span> another event'
    return line
