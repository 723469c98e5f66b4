"""Scatter plots with a logarithmic x axis, like the paper's figure of learning rates.

    pixel_x = left + log(x / x_low) / log(x_high / x_low) * (right - left)
"""

import math
from pathlib import Path
from typing import Optional, Union

import numpy as np
import numpy.typing as npt

from .axes import Axes, Box, Floats, Span, nice_ticks, span_of
from .canvas import GREY, GRID, INK, PALETTE, Canvas
from .curves import Labels

MARGIN = 0.03  # of the decades shown, on both sides
DOT = 3.0  # a dot is three widths wide


class LogAxes(Axes):
    """Axes with a logarithmic x axis; ``x_span`` is in the unit of the numbers, above 0."""

    def to_pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Return the pixels (n, 2) of the points ``x`` (n,), above 0, and ``y`` (n,)."""
        low, high = self.x_span
        share = np.log(np.asarray(x, np.float64) / low) / math.log(high / low)
        return super().to_pixels(low + share * (high - low), y)

    def _draw_columns(self) -> None:
        for tick in log_ticks(self.x_span):
            ends = self.to_pixels((tick, tick), self.y_span)
            self.canvas.line(ends, GRID, 1.0)
            self.canvas.text(f"{tick:g}", (ends[0, 0], self.box.bottom + 25), 17, INK, align=0.5)


def log_span(values: Floats) -> Span:
    """Return the span of ``values`` (n,), above 0, with a margin; 1 to 10 if there are none."""
    if values.size == 0:
        return Span(1.0, 10.0)
    low, high = float(values.min()), float(values.max())
    spare = (high / low) ** MARGIN if high > low else 2.0  # not 1 for a constant
    return Span(low / spare, high * spare)


def log_ticks(span: Span) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten inside ``span``; for many decades the powers alone, for less than one
    decade the ticks of a linear axis."""
    decades = math.log10(span.high / span.low)
    if decades < 0.7:
        return nice_ticks(span, 7)
    powers = range(math.floor(math.log10(span.low)), math.ceil(math.log10(span.high)) + 1)
    every = math.ceil(decades / 12)
    factors = (1, 2, 5) if decades <= 3 else (1,)
    ticks = [float(f"{factor}e{power}") for power in powers if power % every == 0 for factor in factors]
    return [tick for tick in ticks if span.low <= tick <= span.high]


def scatter_plot(x: npt.ArrayLike, y: npt.ArrayLike, labels: Labels, out: Union[str, Path],
                 x_range: Optional[tuple[float, float]] = None, size: tuple[int, int] = (1200, 700)) -> LogAxes:
    """Draw the points ``x`` (n,), ``y`` (n,) into the picture ``out``; return the axes.

    Points that are not finite, or whose x is not above 0, are skipped.  ``x_range`` is always shown.
    """
    points = np.array([x, y], np.float64).reshape(2, -1)
    points = points[:, np.isfinite(points).all(axis=0) & (points[0] > 0)]
    canvas, box = Canvas(*size), Box(95, 112, size[0] - 40, size[1] - 75)
    axes = LogAxes(canvas, box, log_span(np.append(points[0], x_range or ())), span_of(points[1], 0.05))
    canvas.text(labels.title, (28, 42), 26, INK, bold=True)
    canvas.text(labels.y, (28, box.top - 20), 17, GREY)
    canvas.text(labels.x, ((box.left + box.right) / 2, size[1] - 20), 18, INK, align=0.5)
    for pixel in axes.to_pixels(*points):
        canvas.line([pixel], PALETTE[0], DOT)
    if not points.size:
        axes.say(labels.empty)
    canvas.save(out)
    return axes
