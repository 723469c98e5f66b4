"""A time line of several workers: one lane each, rollouts light, writes dark, and redder with higher staleness."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .axes import Box, Floats, Span, nice_ticks, tick_labels
from .canvas import GREY, INK, Colour
from .heat import Sheet

LANE = 62                      # pixels from one lane to the next
CYCLES = 14                    # updates of the median worker in the drawn interval of time
PLAYING: Colour = (205, 224, 238)
LEARNING: Colour = (140, 182, 212)
FRESH: Colour = (16, 40, 96)
STALE: Colour = (240, 60, 0)
CLASH: Colour = (255, 170, 170)
READ: Colour = (0, 158, 115)


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


def legend(sheet: Sheet, left: float) -> None:
    """Draw the legend of the colours, in a row from ``left``."""
    for colour, words in ((PLAYING, "rollout"), (LEARNING, "backward"), (FRESH, "write of the freshest"),
                          (STALE, "of the stalest"), (READ, "theta' copied"), (CLASH, "two write at once")):
        sheet.box((left, 92), (18, 16), colour)
        sheet.text(words, (left + 25, 106), 16)
        left += 25 + sheet.text_width(words, 16) + 26


def draw_lanes(sheet: Sheet, box: Box, moment: Moment, span: Span) -> None:
    """Draw the interval ``span`` of all workers into the box, one lane below the other."""
    scale = (box.right - box.left) / (span.high - span.low)

    def across(time: npt.ArrayLike) -> Floats:
        return np.clip(box.left + (np.asarray(time) - span.low) * scale, box.left, box.right)

    seen = np.flatnonzero((moment.write_end > span.low) & (moment.read < span.high))
    most = max(1, int(moment.staleness[seen].max(initial=0)))
    edges = {name: across(getattr(moment, name)[seen]) for name in Moment._fields[3:7]}
    for left, right in clashes(edges["write_begin"], edges["write_end"]):
        sheet.box((left, box.top), (max(3.0, right - left), box.bottom - box.top), CLASH)
    for k, row in enumerate(seen):
        _update(sheet, {name: float(x[k]) for name, x in edges.items()}, box.top + moment.worker[row] * LANE,
                (int(moment.staleness[row]), most))
    for time, worker in zip(moment.read, moment.worker):
        if span.low < time < span.high:
            sheet.box((float(across(time)) - 1, box.top + (worker + 1) * LANE - 7), (3, 8), READ)
    for worker in range(round((box.bottom - box.top) / LANE)):
        sheet.text(f"worker {worker}", (box.left - 12, box.top + (worker + 0.5) * LANE + 12), 16, INK, align=1.0)
    _time_axis(sheet, box, span, scale)


def _update(sheet: Sheet, at: dict[str, float], top: float, stale: tuple[int, int]) -> None:
    """Draw one update in its lane: rollout, backward pass and write; ``stale`` is (its staleness, the largest)."""
    lane = top + 24, LANE - 32
    for begin, end, colour in (("play_begin", "play_end", PLAYING), ("play_end", "write_begin", LEARNING)):
        if at[end] > at[begin]:
            sheet.box((at[begin], lane[0]), (at[end] - at[begin], lane[1]), colour)
    if at["write_end"] > at["write_begin"]:
        red, green, blue = (round(a + stale[0] / stale[1] * (b - a)) for a, b in zip(FRESH, STALE))
        width = max(3.0, at["write_end"] - at["write_begin"])
        sheet.box((at["write_begin"], lane[0] - 4), (width, lane[1] + 8), (red, green, blue))
        sheet.text(str(stale[0]), (at["write_begin"] + width / 2, lane[0] - 8), 14, INK, align=0.5)


def _time_axis(sheet: Sheet, box: Box, span: Span, scale: float) -> None:
    sheet.line([(box.left, box.bottom + 4), (box.right, box.bottom + 4)], GREY, 1.5)
    ticks = nice_ticks(span, 10)
    for tick, label in zip(ticks, tick_labels(ticks)):
        x = box.left + (tick - span.low) * scale
        sheet.line([(x, box.bottom + 4), (x, box.bottom + 10)], GREY, 1.5)
        sheet.text(label, (x, box.bottom + 29), 16, align=0.5)
    sheet.text("ms since the start", ((box.left + box.right) / 2, box.bottom + 54), 16, align=0.5)
