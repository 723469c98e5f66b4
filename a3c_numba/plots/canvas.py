"""A sheet to draw on with OpenCV: lines, filled areas and text, in RGB.

Everything is drawn twice as large and averaged down, so that thin lines and small letters stay smooth.  Positions and
sizes are pixels of the finished picture, x to the right and y down; OpenCV's doubled, fixed-point coordinates stay
inside this file.  OpenCV is imported when the first thing is drawn: nothing between installing and training needs it.
"""

from pathlib import Path
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..system import atomic_file

Colour = tuple[int, int, int]  # red, green, blue

WHITE: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
GREY: Colour = (105, 105, 105)
GRID: Colour = (228, 228, 228)
# Okabe and Ito's colours, distinct to colour-blind eyes, less the yellow that white paper swallows.
PALETTE: tuple[Colour, ...] = (
    (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (60, 60, 60))

ZOOM = 2  # pixels drawn for each pixel kept
SHIFT = 4  # OpenCV's fixed point: 2 ** SHIFT positions in a drawn pixel
SYSTEM_PACKAGES = {"libGL": "libgl1", "libgthread": "libglib2.0-0", "libglib": "libglib2.0-0"}


class PicturesUnavailable(RuntimeError):
    """OpenCV cannot be imported, or is too old for what was asked; one line says what to install."""


def load_cv2() -> Any:
    """The module ``cv2``; raises ``PicturesUnavailable`` where it cannot be imported."""
    try:
        import cv2
    except ImportError as error:
        raise PicturesUnavailable(_remedy(str(error))) from error
    return cv2


def _remedy(reason: str) -> str:
    """One line that names the missing package, from the import's own message."""
    headless = "`pip install opencv-python-headless`"
    for library, package in SYSTEM_PACKAGES.items():
        if library in reason:
            return f"opencv-python lacks a library of the system: `apt-get install {package}` (Debian), or {headless}"
    first_line = reason.partition("\n")[0]
    return f"pictures need opencv-python: `pip install opencv-python`, or {headless} ({first_line})"


class Canvas:
    """A sheet of ``width`` x ``height`` pixels, of one colour to begin with."""

    def __init__(self, width: int, height: int, colour: Colour = WHITE) -> None:
        self.cv2 = load_cv2()
        self.width, self.height = width, height
        self._sheet = np.full((height * ZOOM, width * ZOOM, 3), colour, np.uint8)
        # Since 5.0 OpenCV's letters are outlines of which the thickness picks the weight; before, they are pen strokes.
        self._strokes = (1, 2) if hasattr(self.cv2, "FontFace") else (2, 3)

    def line(self, points: npt.ArrayLike, colour: Colour, width: float = 1.0) -> None:
        """Join ``points`` (n, 2); a single one becomes a dot of three widths."""
        fixed, pen = _fixed(points), max(1, round(width * ZOOM))
        if len(fixed) == 1:
            radius = round(1.5 * pen * 2**SHIFT)
            self.cv2.circle(self._sheet, tuple(fixed[0].tolist()), radius, colour, -1, self.cv2.LINE_AA, SHIFT)
        elif len(fixed) > 1:
            self.cv2.polylines(self._sheet, [fixed], False, colour, pen, self.cv2.LINE_AA, SHIFT)

    def area(self, points: npt.ArrayLike, colour: Colour, opacity: float = 1.0) -> None:
        """Fill the polygon ``points`` (n, 2); what lies under it shows through by ``1 - opacity``."""
        painted = self._sheet.copy()
        self.cv2.fillPoly(painted, [_fixed(points)], colour, self.cv2.LINE_AA, SHIFT)
        self.cv2.addWeighted(painted, opacity, self._sheet, 1.0 - opacity, 0.0, self._sheet)

    def box(self, corner: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
        """Fill the rectangle of ``size`` (width, height) whose top left is ``corner``."""
        (left, top), (width, height) = np.multiply(corner, ZOOM), np.multiply(size, ZOOM)
        self._sheet[round(top):round(top + height), round(left):round(left + width)] = colour

    def text(self, words: str, at: tuple[float, float], size: float = 15, colour: Colour = INK,
             align: float = 0.0, bold: bool = False) -> None:
        """Write ``words`` on the base line ``at``; ``align`` 0, 0.5 or 1: ``at`` is the left end, middle, right end."""
        left = at[0] - align * self.text_width(words, size, bold)
        font, scale, stroke = self._font(size, bold)
        origin = (round(left * ZOOM), round(at[1] * ZOOM))
        self.cv2.putText(self._sheet, _encodable(words), origin, font, scale, colour, stroke, self.cv2.LINE_AA)

    def text_width(self, words: str, size: float = 15, bold: bool = False) -> float:
        """How many pixels wide ``words`` would be."""
        return float(self.cv2.getTextSize(_encodable(words), *self._font(size, bold))[0][0] / ZOOM)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """The finished picture, (height, width, 3) RGB."""
        shrunk = self.cv2.resize(self._sheet, (self.width, self.height), interpolation=self.cv2.INTER_AREA)
        return np.asarray(shrunk, np.uint8)

    def save(self, path: Union[str, Path]) -> None:
        """Write the picture to ``path`` (.png, .jpg, ...), whole or not at all; ValueError for an unknown suffix."""
        path = Path(path)
        if not path.suffix.isascii() or not self.cv2.haveImageWriter("any" + path.suffix):
            raise ValueError(f"cannot write a picture to {path}: its name should end in .png or .jpg")
        _, encoded = self.cv2.imencode(path.suffix, self.pixels()[..., ::-1])
        atomic_file.replace(path, encoded.tobytes())

    def _font(self, size: float, bold: bool) -> tuple[int, float, int]:
        return self.cv2.FONT_HERSHEY_SIMPLEX, size * ZOOM / 30.0, self._strokes[bold]  # 30 pixels high at scale 1


def _encodable(words: str) -> str:
    """A file's name need not be UTF-8, and OpenCV dies of what is not."""
    return words.encode(errors="replace").decode()


def _fixed(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Finished pixels to OpenCV's fixed-point coordinates on the doubled sheet, whose pixels' centres are integers."""
    doubled = np.asarray(points, np.float64).reshape(-1, 2) * ZOOM - 0.5
    return np.round(doubled * 2**SHIFT).astype(np.int32)
