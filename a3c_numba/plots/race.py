"""The picture of the race: time lines of workers, a histogram of staleness, lost additions, and a comparison.

The time lines show rollouts and writes, redder with higher staleness.  In a lane's unit, 0 to 1 from its bottom to its
top, a rollout is from 0.14 to 0.62.
"""

from pathlib import Path
from typing import Mapping, NamedTuple, Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Floats, Span, lane_axis, span_of
from .chart import Boxes, Chart, Key, Panel, Series, Texts, colour_of
from .colours import PALETTE, Colour
from .drawing import save_picture

LEFT, RIGHT = 100, 1360        # pixels
COUNTED = 4000                 # bins of elements, at most
LANE = 62                      # pixels from one lane to the next
CYCLES = 14                    # updates of the median worker in the drawn interval of time
PLAYING: Colour = (205, 224, 238)
LEARNING: Colour = (140, 182, 212)
FRESH: Colour = (16, 40, 96)
STALE: Colour = (240, 60, 0)
CLASH: Colour = (255, 170, 170)
READ: Colour = (0, 158, 115)
KEYS = {"rollout": PLAYING, "backward": LEARNING, "write of the freshest": FRESH, "of the stalest": STALE,
        "theta' copied": READ, "two write at once": CLASH}


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


class Compared(NamedTuple):
    """Recordings with different numbers of workers: a row of ``figures`` for each, and lost additions by element."""

    figures: Sequence[Mapping[str, float]]
    lost: dict[int, npt.NDArray[np.int64]]         # workers -> (elements,)


def race_picture(moment: Moment, compared: Compared, out: Union[str, Path]) -> None:
    """Draw an interval of time, and below it the comparison of several numbers of workers."""
    end = 130 + LANE * (int(moment.worker.max()) + 1)
    below = end + 162
    span = busiest(moment)
    length = f"{float(f'{span.high - span.low:.2g}'):,g}"
    subtitle = (f"the busiest {length} ms; the number on a write is its staleness; a long bar may be a worker that the "
                "system paused; white is the tally")
    panels = [lanes_panel(moment, span, Box(LEFT, 130, RIGHT, end)),
              _histogram(Box(LEFT, below, 660, below + 200), moment.staleness),
              _elements(Box(780, below, RIGHT, below + 200), compared.lost),
              *_comparison(below + 340, compared.figures)]
    keys = [Key(words, colour, 16) for words, colour in KEYS.items()]
    save_picture(Chart(moment.title, (1400, below + 640), panels, keys, subtitle), out)


def _histogram(box: Box, staleness: npt.NDArray[np.int64]) -> Panel:
    counts = np.bincount(staleness)
    width = -(-len(counts) // 60)                                        # values of staleness in one bar
    starts = np.arange(0, len(counts), width)
    share = 100 * np.add.reduceat(counts, starts) / counts.sum()
    each = "" if width == 1 else f", {width} values in a bar"
    x = Axis(Span(-0.7, len(share) * width - 0.3), "staleness: updates of others between read and write" + each)
    y = Axis(Span(0, 1.08 * float(share.max())), f"all updates of the recording, %; mean {staleness.mean():.2f}, "
             f"at most {staleness.max()}")
    return Panel(x, y, [Boxes(starts - 0.4, starts + width - 0.6, 0, share)], box=box)


def _elements(box: Box, lost: dict[int, npt.NDArray[np.int64]]) -> Panel:
    """Show the additions that the tally lost, by element; elements that share a pixel show their maximum."""
    n = len(next(iter(lost.values())))
    each = -(-n // COUNTED)
    bins: dict[int, npt.NDArray[np.int64]]
    bins = {workers: np.maximum.reduceat(one, np.arange(0, n, each)) for workers, one in lost.items()}
    highest = max(int(one.max()) for one in bins.values())
    lines = [Series("", (np.arange(len(worst)) + 0.5) * each, worst, colour=colour_of(k), width=1.5)
             for k, worst in enumerate(bins.values()) if worst.any()]
    keys = [Key(str(workers), colour_of(k)) for k, workers in enumerate(bins)]
    y = Axis(Span(0, max(1.0, 1.08 * highest)), "lost, by element, with so many workers:")
    return Panel(Axis(Span(0, n), "element of the tally"), y,
                 series=lines, note="" if highest else "no addition was lost", keys=keys, box=box)


def _comparison(top: float, figures: Sequence[Mapping[str, float]]) -> list[Panel]:
    """Return three small curves by number of workers; the x axis has a tick for each up to 8, then for powers of 2."""
    workers = np.array([row["workers"] for row in figures], np.float64)
    most = float(workers.max()) * 1.12
    ticks = [(float(n), str(n)) for n in range(1, int(most) + 1) if n >= most / 12 and (n <= 8 or n & (n - 1) == 0)]
    panels = []
    for k, (name, factor, label, how) in enumerate((
            ("mean_staleness", 1.0, "mean staleness, updates", ".2f"),
            ("overlapped", 100.0, "writes that overlapped, %", ".3g"),
            ("lost", 100.0, "additions of the tally that were lost, %", ".2g"))):
        y = factor * np.array([row[name] for row in figures], np.float64)
        high = max(span_of(np.append(y, 0.0), 0.16).high, 1e-6)
        series = [Series("", workers, y, colour=PALETTE[k], width=2.5, is_joined=joined) for joined in (True, False)]
        words = Texts(workers, y, [f"{value:{how}}" for value in y])
        box = Box(LEFT + k * 440, top, LEFT + k * 440 + 350, top + 210)
        panels.append(Panel(Axis(Span(0, most), "workers", fixed=ticks), Axis(Span(0, high), label),
                            series=series, texts=[words], box=box))
    return panels


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
        share = value / max(1, int(staleness.max()))
        red, green, blue = (round(a + share * (b - a)) for a, b in zip(FRESH, STALE))
        boxes.append(Boxes(write[same], end[same], floor[same] + 0.07, floor[same] + 0.68, (red, green, blue), 3))
        texts.append(Texts((write[same] + end[same]) / 2, floor[same] + 0.62, [str(value)] * int(same.sum())))
    read = (span.low < moment.read) & (moment.read < span.high)
    base = lanes - 1.0 - moment.worker[read]
    boxes.append(Boxes(moment.read[read], moment.read[read], base - 0.01, base + 0.12, READ, 3))
    return Panel(Axis(span, "ms since the start"), lane_axis(lanes, 1, "worker "), boxes, texts=texts, box=box)
