"""The picture of the race: time lines of workers, a histogram of staleness, lost additions, and a comparison."""

from pathlib import Path
from typing import Any, NamedTuple, Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Span, span_of
from .chart import Boxes, Chart, Key, Panel, Series, Texts, colour_of
from .colours import PALETTE
from .drawing import save_picture
from .lanes import KEYS, LANE, Moment, busiest, lanes_panel

WIDTH, LEFT, RIGHT = 1400, 100, 1360
COUNTED = 4000                 # bins of elements, at most


class Compared(NamedTuple):
    """Recordings with different numbers of workers: a row of ``figures`` for each, and lost additions by element."""

    figures: Sequence[dict[str, Any]]
    lost: dict[int, npt.NDArray[np.int64]]         # workers -> (elements,)


def race_picture(moment: Moment, compared: Compared, out: Union[str, Path]) -> None:
    """Draw an interval of time, and below it the comparison of several numbers of workers."""
    end = 130 + LANE * (int(moment.worker.max()) + 1)
    below = end + 162
    span = busiest(moment)
    length = f"{float(f'{span.high - span.low:.2g}'):,g}"
    subtitle = (f"the busiest {length} ms; the number on a write is its staleness; "
                "a long bar may be a worker that the system paused; white is the tally")
    panels = [lanes_panel(moment, span, Box(LEFT, 130, RIGHT, end)),
              _histogram(Box(LEFT, below, 660, below + 200), moment.staleness),
              _elements(Box(780, below, RIGHT, below + 200), compared.lost),
              *_comparison(below + 340, compared.figures)]
    save_picture(Chart(moment.title, (WIDTH, below + 640), panels, KEYS, subtitle), out)


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
    bins: dict[int, Any] = {workers: np.maximum.reduceat(one, np.arange(0, n, each)) for workers, one in lost.items()}
    highest = max(int(one.max()) for one in bins.values())
    lines = [Series("", (np.arange(len(worst)) + 0.5) * each, worst, colour=colour_of(k), width=1.5)
             for k, worst in enumerate(bins.values()) if worst.any()]
    keys = [Key(str(workers), colour_of(k)) for k, workers in enumerate(bins)]
    y = Axis(Span(0, max(1.0, 1.08 * highest)), "lost, by element, with so many workers:")
    return Panel(Axis(Span(0, n), "element of the tally"), y,
                 series=lines, note="" if highest else "no addition was lost", keys=keys, box=box)


def _comparison(top: float, figures: Sequence[dict[str, Any]]) -> list[Panel]:
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
