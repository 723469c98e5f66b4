"""Lanes of workers over time, and for a recording their rollouts and writes, redder with higher staleness.

In a lane's unit, 0 to 1 from its bottom to its top, a rollout is from 0.14 to 0.62.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Floats, Span
from .chart import Boxes, Key, Panel, Texts
from .colours import Colour

LANE = 62                      # pixels from one lane to the next
CYCLES = 14                    # updates of the median worker in the drawn interval of time
PLAYING: Colour = (205, 224, 238)
LEARNING: Colour = (140, 182, 212)
FRESH: Colour = (16, 40, 96)
STALE: Colour = (240, 60, 0)
CLASH: Colour = (255, 170, 170)
READ: Colour = (0, 158, 115)
KEYS = [Key(words, colour, 16) for words, colour in (
    ("rollout", PLAYING), ("backward", LEARNING), ("write of the freshest", FRESH), ("of the stalest", STALE),
    ("theta' copied", READ), ("two write at once", CLASH))]


class Moment(NamedTuple):
    """A recording of several workers: arrays (updates,), times in milliseconds."""

    title: str
    worker: npt.NDArray[np.int64]
    read: Floats
    play_begin: Floats
    play_end: Floats
    write_begin: Floats
    write_end: Floats
    staleness: npt.NDArray[np.int64]
    overlaps: npt.NDArray[np.int64]


def lane_axis(lanes: int, every: int = 1, word: str = "", label: str = "") -> Axis:
    """Return the vertical axis of lanes, 0 at the top; one in ``every`` has its number, after ``word``.

    Lane k reaches from ``lanes - k - 1`` to ``lanes - k``.
    """
    return Axis(Span(0, lanes), label, fixed=[(lanes - k - 0.5, f"{word}{k}") for k in range(0, lanes, every)])


def busiest(moment: Moment) -> Span:
    """Return the interval, about CYCLES updates long, with the most workers that write, and up to two overlaps."""
    length = CYCLES * max(1e-3, float(np.median(moment.write_end - moment.read)))
    starts = moment.write_begin - 0.05 * length
    score = np.minimum(_within(starts, length, moment.write_begin[moment.overlaps > 0]), 2)
    for worker in np.unique(moment.worker):
        score = score + (_within(starts, length, moment.write_begin[moment.worker == worker]) > 0)
    start = float(starts[score.argmax()])
    return Span(start, start + length)


def _within(starts: Floats, length: float, times: Floats) -> Floats:
    """Count the times in each interval of that length."""
    times = np.sort(times)
    return (np.searchsorted(times, starts + length) - np.searchsorted(times, starts)).astype(np.float64)


def clashes(begin: Floats, end: Floats) -> list[tuple[float, float]]:
    """Return the intervals of time in which at least two of the given intervals overlap."""
    edges = sorted([(time, 1) for time in begin] + [(time, -1) for time in end])
    depth, since, found = 0, 0.0, []
    for time, change in edges:
        if (depth, change) == (1, 1):
            since = time
        elif (depth, change) == (2, -1):
            found.append((float(since), float(time)))
        depth += change
    return found


def lanes_panel(moment: Moment, span: Span, box: Box) -> Panel:
    """Return the interval ``span`` of all workers, one lane below the other."""
    lanes = int(moment.worker.max()) + 1
    seen = (moment.write_end > span.low) & (moment.read < span.high)
    play, learn, write, end = (np.clip(getattr(moment, name)[seen], *span) for name in Moment._fields[3:7])
    floor, staleness = lanes - 1.0 - moment.worker[seen], moment.staleness[seen]
    texts, boxes = [], [Boxes(left, right, 0, lanes, CLASH, 3) for left, right in clashes(write, end)]
    for begin, stop, colour in ((play, learn, PLAYING), (learn, write, LEARNING)):
        long = stop > begin
        boxes.append(Boxes(begin[long], stop[long], floor[long] + 0.14, floor[long] + 0.62, colour))
    for value in np.unique(staleness):
        same = (staleness == value) & (end > write)
        colour = _colour(value, staleness)
        boxes.append(Boxes(write[same], end[same], floor[same] + 0.07, floor[same] + 0.68, colour, 3))
        texts.append(Texts((write[same] + end[same]) / 2, floor[same] + 0.62, [str(value)] * int(same.sum())))
    read = (span.low < moment.read) & (moment.read < span.high)
    base = lanes - 1.0 - moment.worker[read]
    boxes.append(Boxes(moment.read[read], moment.read[read], base - 0.01, base + 0.12, READ, 3))
    return Panel(Axis(span, "ms since the start"), lane_axis(lanes, 1, "worker "), boxes, texts=texts, box=box)


def _colour(value: int, staleness: npt.NDArray[np.int64]) -> Colour:
    """Return the colour of a write, between FRESH and STALE."""
    share = value / max(1, int(staleness.max()))
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(FRESH, STALE))
    return red, green, blue
