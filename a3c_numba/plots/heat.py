"""Heat maps: arrays drawn as small images on one sheet, with a colour scale.

    signed       blue below 0, white at 0, orange above 0;  full colour at +- limit
    strength     white at 0, dark blue at the limit
"""

from typing import Callable

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Span
from .canvas import ZOOM, Canvas
from .colours import GREY, INK, Colour
from .drawing import Axes

Pixels = npt.NDArray[np.uint8]                     # (height, width, 3)

COLD: Colour = (0, 84, 158)
WARM: Colour = (205, 80, 0)


def limit_of(x: npt.ArrayLike) -> float:
    """Return the largest finite |x|; 1 if all are 0."""
    sizes = np.abs(np.asarray(x, np.float64))
    return float(sizes[np.isfinite(sizes)].max(initial=0.0)) or 1.0


def signed(x: npt.ArrayLike, limit: float) -> Pixels:
    """Convert x (...) to colours (..., 3)."""
    share = np.clip(np.nan_to_num(np.asarray(x, np.float64) / limit), -1.0, 1.0)[..., None]
    ends = np.where(share < 0, np.array(COLD), np.array(WARM))
    return np.round(255 + np.abs(share) * (ends - 255)).astype(np.uint8)


def strength(x: npt.ArrayLike, limit: float) -> Pixels:
    """Convert x (...), at least 0, to colours (..., 3)."""
    return signed(-np.abs(np.asarray(x, np.float64)), limit)


class Sheet(Canvas):
    """A canvas with images, a colour scale and a title."""

    def image(self, pixels: Pixels, corner: tuple[float, float], size: tuple[float, float]) -> None:
        """Fill the rectangle of ``size`` (width, height) whose top left is ``corner`` with ``pixels``."""
        left, top = (round(ZOOM * place) for place in corner)
        width, height = (max(1, round(ZOOM * side)) for side in size)
        enlarged = self.cv2.resize(pixels, (width, height), interpolation=self.cv2.INTER_NEAREST)
        self._sheet[top:top + height, left:left + width] = enlarged

    def framed(self, pixels: Pixels, corner: tuple[float, float], size: tuple[float, float]) -> None:
        """Draw ``image`` with a thin grey line around it."""
        (left, top), (width, height) = corner, size
        self.box((left - 1, top - 1), (width + 2, height + 2), (190, 190, 190))
        self.image(pixels, corner, size)

    def scale(self, at: tuple[float, float], limit: float,
              colours: Callable[[npt.ArrayLike, float], Pixels] = signed) -> None:
        """Draw a bar of the colours with their numbers, its right end at ``at``."""
        x = np.linspace(-1 if colours is signed else 0, 1, 128)[None]
        right, top = at
        self.framed(colours(x, 1.0), (right - 200, top), (200, 14))
        middle = 0.0 if colours is signed else 0.5
        for place, number in ((0.0, x[0, 0]), (0.5, middle), (1.0, 1.0)):
            self.text(f"{number * limit:.3g}", (right - 200 + 200 * place, top + 31), 14, INK, align=0.5)

    def title(self, words: str, below: str = "") -> None:
        """Write the title, and a line of explanation."""
        self.text(words, (28, 42), 25, INK, bold=True)
        self.text(below, (28, 72), 16, GREY)


def heat_map(sheet: Sheet, box: Box, pixels: Pixels, x: str = "") -> None:
    """Draw ``pixels`` (rows, columns, 3) as the area of a pair of axes, row 0 at the bottom; ``x`` names columns."""
    rows, columns = pixels.shape[:2]
    Axes(sheet, box, Axis(Span(-0.5, columns - 0.5), x), Axis(Span(-0.5, rows - 0.5)))
    sheet.framed(np.ascontiguousarray(pixels[::-1]), (box.left, box.top), (box.right - box.left, box.bottom - box.top))


def tiles(images: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
    """Return the planes of images (height, width, channels) as a list, each contiguous."""
    return list(np.ascontiguousarray(np.moveaxis(images, -1, 0)))
