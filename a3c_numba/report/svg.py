"""Charts as SVG text: axes, lines, bands, bars and marks; the page's style sheet sets the colours.

    x = left   + (number - low) / (high - low) * (right - left)
    y = bottom - (number - low) / (high - low) * (bottom - top)         of log10 of the number on a log axis

One unit is one pixel if the chart is shown in its original size.  ``low`` and ``high`` are the span of the axis.
"""

import math
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from ..plots.axes import Span, nice_ticks, span_of, tick_labels

Floats = npt.NDArray[np.float64]
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 30.0, 46.0     # margins around the curves
LONGEST = 8                                           # letters of a tick's label
DECADES = 2.0                                         # a log axis at least as long has only powers of ten as ticks


def clean(value: Any) -> str:
    """Return text for a page: markup and characters that cannot be printed are escaped."""
    return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value)), quote=True)


def short(number: float) -> str:
    """Return a human-readable number: 19.4, 0.00149, 2,000,000."""
    if not math.isfinite(number):
        return "--"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


@dataclass(frozen=True)
class Labels:
    """The text of a chart."""

    title: str
    x: str
    y: str
    about: str = ""            # a description, for screen readers


class Axis:
    """One axis: its span, its ticks, and the map from numbers to 0 .. 1."""

    def __init__(self, values: Floats, margin: float, is_log: bool = False) -> None:
        self.is_log = is_log
        values = np.asarray(values, np.float64)
        self.span = _decades(values) if is_log else span_of(values, margin)

    def share(self, values: npt.ArrayLike) -> Floats:
        """Map numbers to 0 .. 1 along the axis; NaN if a log axis cannot show them."""
        numbers = np.array(values, np.float64)
        if self.is_log:
            numbers = np.log10(np.where(numbers > 0, numbers, np.nan))
        return (numbers - self.span.low) / (self.span.high - self.span.low)

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Return about ``count`` round numbers and their labels."""
        if not self.is_log:
            ticks = nice_ticks(self.span, count)
            labels = tick_labels(ticks)
            return list(zip(ticks, labels if max(map(len, labels)) <= LONGEST else [f"{x:.3g}" for x in ticks]))
        factors = (1, 2, 5) if self.span.high - self.span.low < DECADES else (1,)
        powers = range(math.floor(self.span.low), math.ceil(self.span.high) + 1)
        ticks = [factor * 10.0 ** power for power in powers for factor in factors]
        return [(tick, f"{tick:g}") for tick in ticks if 0 <= self.share(tick) <= 1]


def _decades(values: Floats) -> Span:
    """Return the span of log10 of the finite numbers above 0, with a margin; at least one decade."""
    logs = np.log10(values[np.isfinite(values) & (values > 0)])
    if not len(logs):
        return Span(0.0, 1.0)
    middle, half = (logs.max() + logs.min()) / 2, max(0.5, (logs.max() - logs.min()) / 2 + 0.1)
    return Span(float(middle - half), float(middle + half))


class Chart:
    """Axes of ``size`` (width, height), and the marks drawn on them, in the order of the calls."""

    def __init__(self, labels: Labels, size: tuple[int, int], x: Axis, y: Axis) -> None:
        self.labels, self.size, self.x, self.y = labels, size, x, y
        self.right, self.bottom = size[0] - RIGHT, size[1] - BOTTOM
        self._parts: list[str] = []
        self._draw_columns()

    def points(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Return the places (n, 2) of points."""
        across = LEFT + self.x.share(x) * (self.right - LEFT)
        up = self.bottom - self.y.share(y) * (self.bottom - TOP)
        return np.stack(np.broadcast_arrays(across, up), axis=-1)

    def line(self, x: npt.ArrayLike, y: npt.ArrayLike, kind: str) -> None:
        """Draw a curve through the points that have a place."""
        points = self.points(x, y)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) == 1:
            self.add(f'<circle class="{kind} dot" cx="{points[0, 0]:.1f}" cy="{points[0, 1]:.1f}" r="3"/>')
        elif len(points):
            self.add(f'<path class="{kind}" d="{path(points)}"/>')

    def band(self, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> None:
        """Fill the area between two curves."""
        outline = np.concatenate([self.points(x, low), self.points(x, high)[::-1]])
        self.add(f'<path class="band" d="{path(outline)}Z"/>')

    def rule(self, y: float) -> None:
        """Draw a dashed horizontal line."""
        (right, height), = self.points([self.x.span.high], [y])
        self.add(f'<path class="rule" d="M{LEFT:.0f} {height:.1f}H{right:.1f}"/>')

    def bars(self, edges: Floats, counts: Floats) -> None:
        """Draw a histogram: bar i of height counts[i] from edges[i] to edges[i + 1]."""
        for left, right, count in zip(edges, edges[1:], counts):
            (x, y), (end, floor) = self.points([left, right], [count, 0.0])
            self.add(f'<rect class="bar" x="{x + 1:.1f}" y="{y:.1f}" width="{max(1.0, end - x - 2):.1f}" '
                     f'height="{floor - y:.1f}"/>')

    def text(self, at: tuple[float, float], words: str, kind: str = "") -> None:
        """Write ``words``; ``at`` is the start of their base line, or its "end" or "middle" if ``kind`` says so."""
        self.add(f'<text class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}">{clean(words)}</text>')

    def say(self, words: str) -> None:
        """Write ``words`` in the middle of the plot area."""
        self.text(((LEFT + self.right) / 2, (TOP + self.bottom) / 2), words, "middle")

    def add(self, part: str) -> None:
        """Add SVG text."""
        self._parts.append(part)

    def rows(self) -> None:
        """Draw the numbers of the vertical axis, its grid and its name."""
        for tick, label in self.y.ticks(7):
            (_, y), = self.points([self.x.span.low], [tick])
            self.add(f'<path class="grid" d="M{LEFT:.0f} {y:.1f}H{self.right:.1f}"/>')
            self.text((LEFT - 8, y + 4), label, "end")
        self.text((4, 16), self.labels.y, "label")

    def svg(self) -> str:
        """Return the whole picture."""
        title = clean(f"{self.labels.title}. {self.labels.about}".strip())
        box = f"0 0 {self.size[0]} {self.size[1]}"
        return f'<svg viewBox="{box}" role="img" aria-label="{title}">{"".join(self._parts)}</svg>'

    def _draw_columns(self) -> None:
        bottom = f"{self.bottom:.1f}"
        for tick, label in self.x.ticks(max(3, self.size[0] // 90)):
            x = LEFT + float(self.x.share(tick)) * (self.right - LEFT)
            self.add(f'<path class="grid" d="M{x:.1f} {TOP:.0f}V{bottom}"/>')
            self.text((x, self.bottom + 18), label, "middle")
        self.add(f'<path class="axis" d="M{LEFT:.0f} {bottom}H{self.right:.1f}"/>')
        self.text(((LEFT + self.right) / 2, self.size[1] - 8), self.labels.x, "label middle")


def path(points: Floats) -> str:
    """Return the path of a line through the points (n, 2)."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
