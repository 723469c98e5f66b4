"""A pair of axes: round ticks, a grid, and the map from numbers to pixels.

    pixel_x = left   + (x - x_low) / (x_high - x_low) * (right - left)
    pixel_y = bottom - (y - y_low) / (y_high - y_low) * (bottom - top)
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .canvas import GREY, GRID, INK, Canvas

Floats = npt.NDArray[np.float64]


class Span(NamedTuple):
    """The range of an axis, from ``low`` to ``high``."""

    low: float
    high: float


class Box(NamedTuple):
    """The rectangle of the plot area, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def span_of(values: Floats, margin: float) -> Span:
    """Return the span of all finite ``values``, plus ``margin`` of it on both sides; 0 to 1 if there are none.

    A span that would start a little above zero starts at zero.
    """
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Span(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if 0.0 < low < 0.25 * high:
        low = 0.0
    width = high - low or max(1.0, 0.1 * abs(high))  # not 0 for a constant
    spare = max(margin * width, 0.5 * (width - (high - low)))
    return Span(0.0 if low == 0.0 else low - spare, high + spare)


def nice_ticks(span: Span, count: int) -> list[float]:
    """Return the multiples of 1, 2, 2.5 or 5 times a power of ten inside ``span``: about ``count``, never many more."""
    rough = (span.high - span.low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= 0.999 * rough)
    first, last = math.ceil(span.low / step - 1e-9), math.floor(span.high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_labels(ticks: list[float]) -> list[str]:
    """Return the ticks as text, all with the number of decimals that their step needs."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if not 1e-4 <= step < 1e7:
        return [f"{tick:g}" for tick in ticks]
    decimals = next((places for places in range(6) if math.isclose(round(step, places), step, rel_tol=1e-6)), 6)
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


class Axes:
    """A grid with its numbers, drawn on ``canvas`` when constructed; ``to_pixels`` maps points onto it."""

    def __init__(self, canvas: Canvas, box: Box, x_span: Span, y_span: Span) -> None:
        self.canvas, self.box, self.x_span, self.y_span = canvas, box, x_span, y_span
        self._draw_rows()
        self._draw_columns()
        canvas.line([(box.left, box.bottom), (box.right, box.bottom)], GREY, 1.5)

    def to_pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Return the pixels (n, 2) of the points ``x`` (n,), ``y`` (n,)."""
        across = (np.asarray(x, np.float64) - self.x_span.low) / (self.x_span.high - self.x_span.low)
        up = (np.asarray(y, np.float64) - self.y_span.low) / (self.y_span.high - self.y_span.low)
        left, top, right, bottom = self.box
        return np.stack(np.broadcast_arrays(left + across * (right - left), bottom - up * (bottom - top)), axis=-1)

    def say(self, words: str) -> None:
        """Write ``words`` in the middle of the plot area."""
        left, top, right, bottom = self.box
        self.canvas.text(words, ((left + right) / 2, (top + bottom) / 2), 20, GREY, align=0.5)

    def _draw_rows(self) -> None:
        ticks = nice_ticks(self.y_span, 7)
        for tick, label in zip(ticks, tick_labels(ticks)):
            ends = self.to_pixels(self.x_span, (tick, tick))
            self.canvas.line(ends, GRID, 1.0)
            self.canvas.text(label, (self.box.left - 12, ends[0, 1] + 6), 17, INK, align=1.0)

    def _draw_columns(self) -> None:
        ticks = nice_ticks(self.x_span, 9)
        for tick, label in zip(ticks, tick_labels(ticks)):
            ends = self.to_pixels((tick, tick), self.y_span)
            self.canvas.line(ends, GRID, 1.0)
            self.canvas.text(label, (ends[0, 0], self.box.bottom + 25), 17, INK, align=0.5)
