"""The picture of the race: time lines of workers, a histogram of staleness, lost additions, and a comparison."""

from pathlib import Path
from typing import Any, NamedTuple, Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axes, Box, Span, span_of
from .canvas import GREY, INK, PALETTE, Colour
from .heat import Sheet
from .lanes import LANE, Moment, busiest, draw_lanes, legend

WIDTH, LEFT, RIGHT = 1400, 100, 1360
COUNTED = 4000                 # bins of elements, at most


class Compared(NamedTuple):
    """Recordings with different numbers of workers: a row of ``figures`` for each, and lost additions by element."""

    figures: Sequence[dict[str, Any]]
    lost: dict[int, npt.NDArray[np.int64]]         # workers -> (elements,)


def race_picture(moment: Moment, compared: Compared, out: Union[str, Path]) -> None:
    """Draw an interval of time, and below it the comparison of several numbers of workers."""
    lanes = int(moment.worker.max()) + 1
    below = 176 + lanes * LANE + 116
    sheet = Sheet(WIDTH, below + 640)
    span = busiest(moment)
    length = f"{float(f'{span.high - span.low:.2g}'):,g}"
    sheet.title(moment.title, f"the busiest {length} ms; the number on a write is its staleness; "
                "a long bar may be a worker that the system paused; white is the tally")
    legend(sheet, LEFT)
    draw_lanes(sheet, Box(LEFT, 130, RIGHT, 130 + lanes * LANE), moment, span)
    _histogram(sheet, Box(LEFT, below, 660, below + 200), moment.staleness)
    _elements(sheet, Box(780, below, RIGHT, below + 200), compared.lost)
    _comparison(sheet, below + 340, compared.figures)
    sheet.save(out)


class _WorkersAxes(Axes):
    """Axes with an x tick for each whole number up to 8, and for each power of two above."""

    def _draw_columns(self) -> None:
        numbers = [n for n in range(1, int(self.x_span.high) + 1) if n <= 8 or n & (n - 1) == 0]
        few = [n for n in numbers if n >= self.x_span.high / 12]
        for number in few:
            x, bottom = self.to_pixels([number], [self.y_span.low])[0]
            self.canvas.text(str(number), (x, bottom + 25), 17, INK, align=0.5)


def _histogram(sheet: Sheet, box: Box, staleness: npt.NDArray[np.int64]) -> None:
    counts = np.bincount(staleness)
    width = -(-len(counts) // 60)                                        # values of staleness in one bar
    counts = np.add.reduceat(counts, np.arange(0, len(counts), width))
    share = 100 * counts / counts.sum()
    axes = Axes(sheet, box, Span(-0.7, len(share) * width - 0.3), Span(0, 1.08 * float(share.max())))
    for k, height in enumerate(share):
        (left, top), (right, bottom) = axes.to_pixels([k * width - 0.4, (k + 1) * width - 0.6], [height, 0])
        sheet.box((left, top), (right - left, bottom - top), PALETTE[0])
    each = "" if width == 1 else f", {width} values in a bar"
    _captions(sheet, box, f"all updates of the recording, %; mean {staleness.mean():.2f}, "
              f"at most {staleness.max()}", "staleness: updates of others between read and write" + each)


def _elements(sheet: Sheet, box: Box, lost: dict[int, npt.NDArray[np.int64]]) -> None:
    """Draw the additions that the tally lost, by element; elements that share a pixel show their maximum."""
    n = len(next(iter(lost.values())))
    each = -(-n // COUNTED)
    bins: dict[int, Any] = {workers: np.maximum.reduceat(one, np.arange(0, n, each)) for workers, one in lost.items()}
    highest = max(int(one.max()) for one in bins.values())
    axes = Axes(sheet, box, Span(0, n), Span(0, max(1.0, 1.08 * highest)))
    left = box.left + sheet.text_width("lost, by element:", 17) + 10
    for k, (workers, worst) in enumerate(bins.items()):
        _steps(axes, (np.arange(len(worst)) + 0.5) * each, worst, PALETTE[k % len(PALETTE)])
        words = f"{workers} worker{'s' * (workers > 1)}"
        sheet.text(words, (left, box.top - 14), 16, PALETTE[k % len(PALETTE)], bold=True)
        left += sheet.text_width(words, 16, bold=True) + 16
    if not highest:
        axes.say("no addition was lost")
    _captions(sheet, box, "lost, by element:", "element of the tally")


def _steps(axes: Axes, x: npt.NDArray[Any], y: npt.NDArray[Any], colour: Colour) -> None:
    if y.any():
        axes.canvas.line(axes.to_pixels(x, y), colour, 1.5)


def _comparison(sheet: Sheet, top: float, figures: Sequence[dict[str, Any]]) -> None:
    """Draw three small curves by number of workers."""
    panels = (("mean_staleness", 1.0, "mean staleness, updates", ".2f"),
              ("overlapped", 100.0, "writes that overlapped, %", ".3g"),
              ("lost", 100.0, "additions of the tally that were lost, %", ".2g"))
    workers = np.array([row["workers"] for row in figures], np.float64)
    for k, (name, factor, words, how) in enumerate(panels):
        box = Box(LEFT + k * 440, top, LEFT + k * 440 + 350, top + 210)
        y = factor * np.array([row[name] for row in figures], np.float64)
        span = span_of(np.append(y, 0.0), 0.16)
        axes = _WorkersAxes(sheet, box, Span(0, float(workers.max()) * 1.12), Span(0, max(span.high, 1e-6)))
        points = axes.to_pixels(workers, y)
        sheet.line(points, PALETTE[k], 2.5)
        for point, value in zip(points, y):
            sheet.line([point], PALETTE[k], 2.5)
            sheet.text(f"{value:{how}}", (point[0], point[1] - 13), 15, align=0.5)
        _captions(sheet, box, words, "workers")


def _captions(sheet: Sheet, box: Box, y: str, x: str) -> None:
    sheet.text(y, (box.left, box.top - 14), 17, GREY)
    sheet.text(x, ((box.left + box.right) / 2, box.bottom + 52), 16, align=0.5)
