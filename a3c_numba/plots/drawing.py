"""Draw a chart on one of two surfaces: a ``Canvas`` for pictures, an ``Svg`` for pages.

    pixel_x = left   + share of x * (right - left)
    pixel_y = bottom - share of y * (bottom - top)
"""

from pathlib import Path
from typing import Sequence, Union

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Floats
from .canvas import Canvas
from .chart import PICTURE, Boxes, Chart, Key, Panel, Series, Style, Texts, colour_of
from .colours import GREY, GRID, INK
from .svg import Svg

Surface = Union[Canvas, Svg]


class Axes:
    """Two axes in a box of a surface; their grid, numbers and names are drawn when constructed."""

    def __init__(self, canvas: Surface, box: Box, x: Axis, y: Axis, style: Style = PICTURE) -> None:
        self.canvas, self.box, self.x, self.y = canvas, box, x, y
        self.scale, font = style.font / PICTURE.font, style.font
        for tick, label in y.ticks(7):
            ends = self.to_pixels(x.span, tick)
            if y.fixed is None:
                canvas.line(ends, GRID)
            canvas.text(label, (box.left - 0.7 * font, ends[0, 1] + 0.35 * font), font, INK, 1.0)
        for tick, label in x.ticks(min(9, int((box.right - box.left) / (4.6 * font)))):
            ends = self.to_pixels(tick, y.span)
            if x.fixed is None:
                canvas.line(ends, GRID)
            canvas.text(label, (ends[0, 0], box.bottom + 1.47 * font), font, INK, 0.5)
        canvas.line([(box.left, box.bottom), (box.right, box.bottom)], GREY, 1.5)
        canvas.text(x.label, ((box.left + box.right) / 2, box.bottom + 3.2 * font), font, INK, 0.5)
        self.corner = box.left - style.margins.left + style.edge, box.top - 1.18 * font
        canvas.text(y.label, self.corner, font, GREY)

    def to_pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
        """Return the pixels (n, 2) of the points ``x`` (n,), ``y`` (n,); NaN if an axis cannot show them."""
        left, top, right, bottom = self.box
        across, up = self.x.share(x), self.y.share(y)
        return np.stack(np.broadcast_arrays(left + across * (right - left), bottom - up * (bottom - top)), axis=-1)

    def curves(self, series: Sequence[Series]) -> None:
        """Draw series, all bands first, so that no band covers a curve."""
        coloured = [(one, one.colour or colour_of(k), one.columns()) for k, one in enumerate(series)]
        for _, colour, (x, _, low, high) in coloured:
            if len(x) > 1 and np.any(low != high):
                outline = np.concatenate([self.to_pixels(x, low), self.to_pixels(x, high)[::-1]])
                self.canvas.area(outline, colour, 0.16)
        for one, colour, (x, y, _, _) in coloured:
            points = self.to_pixels(x, y)
            points = points[np.isfinite(points).all(axis=1)]
            for piece in [points] if one.is_joined else points[:, None]:
                self.canvas.line(piece, colour, one.width * self.scale, one.is_dashed, one.title)

    def boxes(self, mark: Boxes) -> None:
        """Draw rectangles."""
        sides = np.broadcast_arrays(*map(np.atleast_1d, (mark.left, mark.high, mark.right, mark.low)))
        corners = np.concatenate([self.to_pixels(*sides[:2]), self.to_pixels(*sides[2:])], axis=1)
        corners[:, 2] = np.maximum(corners[:, 2], corners[:, 0] + mark.least * self.scale)
        self.canvas.boxes(corners, mark.colour)

    def texts(self, mark: Texts) -> None:
        """Write words above points."""
        for (x, y), words in zip(self.to_pixels(mark.x, mark.y), mark.words):
            self.canvas.text(words, (x, y - 13 * self.scale), 15 * self.scale, INK, 0.5)


def draw(chart: Chart, surface: Surface) -> list[Axes]:
    """Draw the chart; return the axes of its panels."""
    left, top, right, bottom = chart.style.margins
    if chart.style.is_titled:
        edge, base = chart.style.edge, 78.0 if chart.subtitle else 50.0
        surface.text(chart.title, (edge, 42), 26, INK, bold=True)
        surface.text(chart.subtitle, (edge, 72), 16, GREY)
        top += draw_keys(surface, chart.keys, (edge, base + 28), chart.size[0] - 40) if chart.keys else base
    share, base = chart.size[0] / len(chart.panels), chart.size[1] - bottom
    boxes = [panel.box or Box(k * share + left, top, (k + 1) * share - right, base)
             for k, panel in enumerate(chart.panels)]
    return [_panel(panel, surface, box, chart.style) for panel, box in zip(chart.panels, boxes)]


def _panel(panel: Panel, surface: Surface, box: Box, style: Style) -> Axes:
    axes = Axes(surface, box, panel.x, panel.y, style)
    for boxes in panel.boxes:
        axes.boxes(boxes)
    axes.curves(panel.series)
    for texts in panel.texts:
        axes.texts(texts)
    surface.text(panel.note, ((box.left + box.right) / 2, (box.top + box.bottom) / 2), 20 * axes.scale, GREY, 0.5)
    label_end = axes.corner[0] + surface.text_width(panel.y.label, style.font)
    draw_keys(surface, panel.keys, (label_end + 20, axes.corner[1]), box.right)
    return axes


def draw_keys(surface: Surface, keys: Sequence[Key], at: tuple[float, float], right: float) -> float:
    """Draw keys from ``at`` on, in several rows if needed; return the last base line."""
    x, base = at
    for words, colour, thick in keys:
        width = 44 + surface.text_width(words, 17)
        if x > at[0] and x + width > right:
            x, base = at[0], base + 27
        surface.boxes(np.array([(x, base - 6 - thick / 2, x + 30, base - 6 + thick / 2)]), colour)
        surface.text(words, (x + 38, base), 17)
        x += width + 22
    return base


def save_picture(chart: Chart, out: Union[str, Path]) -> list[Axes]:
    """Draw the chart into the picture ``out``, as SVG if its name ends in .svg; return the axes of its panels."""
    surface = (Svg if Path(out).suffix.lower() == ".svg" else Canvas)(*chart.size)
    axes = draw(chart, surface)
    surface.save(out)
    return axes


def svg_of(chart: Chart) -> str:
    """Return the chart as SVG text."""
    svg = Svg(*chart.size)
    draw(chart, svg)
    return svg.whole(f"{chart.title}. {chart.about}".strip())
