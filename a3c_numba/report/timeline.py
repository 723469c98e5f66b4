"""The workers' timeline: a lane for each worker, a tick for each game in the colour of its score, a cross per death.

Games that end within one pixel of a lane share a tick, in the colour of their mean score.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .charts import EMPTY, by_time, from_zero
from .recorded_run import Event, Floats, Run
from .svg import LEFT, TOP, Axis, Chart, Labels, clean, short

COLOURS = 7                    # q0 to q6 of the style sheet, from low to high scores
LANES = 64                     # at most
TALLEST, LOWEST = 30, 9        # height of a lane, pixels
AROUND = 76                    # pixels of a chart above and below its lanes


class Scale(NamedTuple):
    """The scores of the first and of the last colour."""

    low: float
    high: float

    def colours(self, scores: Floats) -> npt.NDArray[np.int64]:
        """Return the colour of each score, 0 to COLOURS - 1."""
        width = self.high - self.low or 1.0
        return np.clip((scores - self.low) / width * COLOURS, 0, COLOURS - 1).astype(np.int64)


def scale_of(run: Run) -> Scale:
    """Return the 2nd and the 98th percentile of all games, so that one outlier does not flatten the colours."""
    scores = run.episodes["score"]
    return Scale(*np.percentile(scores, (2, 98))) if len(scores) else Scale(0.0, 1.0)


def lanes_of(run: Run) -> int:
    """Return the number of workers that are shown."""
    workers = run.episodes["worker"]
    seen = int(workers[np.isfinite(workers)].max(initial=-1)) + 1
    return max(1, min(LANES, max(seen, run.config["workers"])))


def size_of(run: Run, width: int) -> tuple[int, int]:
    """Return (width, height) of a timeline of this width."""
    lanes = lanes_of(run)
    return width, AROUND + lanes * max(LOWEST, min(TALLEST, 480 // lanes))


def timeline(run: Run, size: tuple[int, int]) -> str:
    """Draw the timeline."""
    lanes, scale = lanes_of(run), scale_of(run)
    moments = np.array([*run.episodes["seconds"], *(event.seconds for event in run.events), run.seconds])
    x, x_label = by_time(moments)
    games, events, _ = np.split(x, [len(run.episodes["seconds"]), len(x) - 1])
    about = f"{lanes} lanes, {len(games):,} games, {len(events)} events"
    labels = Labels("Timeline of the workers", x_label, "", about)
    chart = Chart(labels, size, from_zero(x), Axis(np.array([0.0, lanes]), 0.0))
    height = (chart.bottom - TOP) / lanes
    _draw_lanes(chart, lanes, height)
    for lane in range(lanes):
        mine = run.episodes["worker"] == lane
        _draw_games(chart, games[mine], run.episodes["score"][mine], scale, TOP + lane * height, height)
    for event, at in zip(run.events, events):
        _draw_event(chart, event, float(at), lanes)
    if not len(games):
        chart.say(EMPTY)
    return chart.svg()


def _draw_lanes(chart: Chart, lanes: int, height: float) -> None:
    """Draw the lanes and their numbers; skip numbers that do not fit."""
    every = max(1, int(np.ceil(14 / height)))
    chart.text((4, 16), "worker", "label")
    for lane in range(lanes):
        y = TOP + lane * height
        chart.add(f'<rect class="lane" x="{LEFT:.0f}" y="{y + 1:.1f}" width="{chart.right - LEFT:.1f}" '
                  f'height="{height - 2:.1f}"/>')
        if lane % every == 0:
            chart.text((LEFT - 8, y + height / 2 + 4), str(lane), "end")


def _draw_games(chart: Chart, moments: Floats, scores: Floats, scale: Scale, top: float, height: float) -> None:
    """Draw the ticks of a lane, one path for each colour."""
    pixels = chart.points(moments, np.zeros(len(moments)))[:, 0].round()
    places, index = np.unique(pixels, return_inverse=True)
    means = np.bincount(index, scores) / np.bincount(index) if len(places) else scores
    gap = float(np.median(np.diff(places))) if len(places) > 1 else 4.0
    width = min(4.0, max(1.0, 0.7 * gap))
    chosen = scale.colours(means)
    for colour in np.unique(chosen):
        ticks = "".join(f"M{x:.0f} {top + 2:.1f}v{height - 4:.1f}" for x in places[chosen == colour])
        chart.add(f'<path class="q{colour}" stroke-width="{width:.1f}" d="{ticks}"/>')


def _draw_event(chart: Chart, event: Event, at: float, lanes: int) -> None:
    """Draw a cross in the lane of the event's worker, or a line through all lanes."""
    lane = lanes if event.worker is None else event.worker
    words = f"<title>{clean(event.line)}</title>"
    if lane < lanes:
        (x, y), = chart.points([at], [lanes - lane - 0.5])
        chart.add(f'<path class="death" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10">{words}</path>')
    else:
        (x, y), = chart.points([at], [0.0])
        chart.add(f'<path class="event" d="M{x:.1f} {TOP - 6:.0f}V{y:.1f}">{words}</path>')


def key(run: Run) -> str:
    """Return the legend of the colours and marks, one line of HTML."""
    scale = scale_of(run)
    boxes = "".join(f'<rect class="k{colour}" x="{22 * colour}" width="22" height="12"/>' for colour in range(COLOURS))
    line = (f'score {short(scale.low)} <svg class="key" width="{22 * COLOURS}" height="12" aria-hidden="true">{boxes}'
            f'</svg> {short(scale.high)}')
    if any(event.worker is not None for event in run.events):
        line += ' &nbsp; <span class="bad">&#10005;</span> died and was replaced'
    if any(event.worker is None for event in run.events):
        line += ' &nbsp; <span class="bad">&#9474;</span> another event'
    return line
