"""Charts as SVG text, with the same methods as ``Canvas``.

One unit is one pixel if the chart is shown in its original size.
"""

from html import escape
from pathlib import Path
from typing import Union

import numpy as np
import numpy.typing as npt

from .axes import Floats
from .colours import INK, Colour, css


def clean(value: object) -> str:
    """Return text for a page: markup and characters that cannot be printed are escaped."""
    return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value)), quote=True)


class Svg:
    """A picture of ``width`` x ``height`` pixels, without a background."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def line(self, points: npt.ArrayLike, colour: Colour, width: float = 1.0, is_dashed: bool = False,
             title: str = "") -> None:
        """Draw a line through ``points`` (n, 2), with a tooltip; draw a single point as a dot of three widths."""
        points = np.asarray(points, np.float64)
        if len(points) == 1:
            (x, y), = points
            self._parts.append(f'<circle fill="{css(colour)}" cx="{x:.1f}" cy="{y:.1f}" r="{1.5 * width:.1f}"/>')
        elif len(points):
            dashes = ' stroke-dasharray="5 4"' if is_dashed else ""
            tooltip = f"<title>{clean(title)}</title>" if title else ""
            self._parts.append(f'<path stroke="{css(colour)}" stroke-width="{width:.3g}"{dashes} d="{_path(points)}">'
                               f"{tooltip}</path>")

    def area(self, points: Floats, colour: Colour, opacity: float = 1.0) -> None:
        """Fill the polygon ``points`` (n, 2) with the given opacity."""
        self._parts.append(f'<path fill="{css(colour)}" fill-opacity="{opacity}" d="{_path(points)}Z"/>')

    def boxes(self, corners: Floats, colour: Colour) -> None:
        """Fill rectangles, ``corners`` (n, 4): left, top, right, bottom."""
        path = "".join(f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}Z"
                       for left, top, right, bottom in corners)
        self._parts.append(f'<path fill="{css(colour)}" d="{path}"/>')

    def text(self, words: str, at: tuple[float, float], size: float = 15, colour: Colour = INK,
             align: float = 0.0, bold: bool = False) -> None:
        """Write ``words``; ``at`` is the left end (``align`` 0), middle (0.5) or right end (1) of the base line."""
        anchor = {0.0: "", 0.5: ' text-anchor="middle"', 1.0: ' text-anchor="end"'}[align]
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(f'<text fill="{css(colour)}" font-size="{size:.3g}"{anchor}{weight} '
                           f'x="{at[0]:.1f}" y="{at[1]:.1f}">{clean(words)}</text>' if words else "")

    def text_width(self, words: str, size: float = 15, bold: bool = False) -> float:
        """Return about the width of ``words`` in pixels."""
        return 0.55 * size * len(words)                                  # a letter is about 0.55 of its height wide

    def save(self, out: Union[str, Path]) -> None:
        """Write the picture to a file, on white."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        style = 'fill="none" stroke-linejoin="round" font-family="sans-serif"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>'
        sheet = '<rect width="100%" height="100%" fill="white"/>'
        Path(out).write_text("\n".join([head, sheet, *self._parts, "</svg>\n"]), encoding="utf-8")

    def whole(self, label: str) -> str:
        """Return the picture, for a page; ``label`` describes it to screen readers."""
        return (f'<svg viewBox="0 0 {self.width} {self.height}" fill="none" stroke-linejoin="round" role="img" '
                f'aria-label="{clean(label)}">{"".join(self._parts)}</svg>')


def _path(points: Floats) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
