"""A canvas for OpenCV: lines, filled areas and text, in RGB.

The canvas is drawn twice as large and averaged down, so that thin lines and small letters are smooth.  Positions and
sizes are pixels of the finished picture, x to the right and y down; OpenCV's doubled, fixed-point coordinates are
used only in this file.  OpenCV is imported when the first canvas is made: training does not need it.
"""

from pathlib import Path
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ..system import atomic_file
from .colours import INK, WHITE, Colour

ZOOM = 2  # pixels drawn for each pixel kept
SHIFT = 4  # OpenCV's fixed point: 2 ** SHIFT positions in a drawn pixel
SYSTEM_PACKAGES = {"libGL": "libgl1", "libgthread": "libglib2.0-0", "libglib": "libglib2.0-0"}


class PicturesUnavailable(RuntimeError):
    """OpenCV cannot be imported, or is too old; the message, one line, says what to install."""


def load_cv2() -> Any:
    """Return the module ``cv2``; raise ``PicturesUnavailable`` if it cannot be imported."""
    try:
        import cv2
    except ImportError as error:
        headless, reason = "`pip install opencv-python-headless`", str(error).partition("\n")[0]
        remedy = f"pictures need opencv-python: `pip install opencv-python`, or {headless} ({reason})"
        for library, package in SYSTEM_PACKAGES.items():
            if library in str(error):
                remedy = f"opencv-python needs a system library: `apt-get install {package}` (Debian), or {headless}"
                break
        raise PicturesUnavailable(remedy) from error
    return cv2


class Canvas:
    """A picture of ``width`` x ``height`` pixels, filled with one colour."""

    def __init__(self, width: int, height: int, colour: Colour = WHITE) -> None:
        self.cv2 = load_cv2()
        self.width, self.height = width, height
        self._sheet = np.full((height * ZOOM, width * ZOOM, 3), colour, np.uint8)
        # Since OpenCV 5.0 letters are outlines, and the thickness selects the weight; before, letters are strokes.
        self._strokes = (1, 2) if hasattr(self.cv2, "FontFace") else (2, 3)

    def line(self, points: npt.ArrayLike, colour: Colour, width: float = 1.0, is_dashed: bool = False,
             title: str = "") -> None:
        """Draw a line through ``points`` (n, 2); draw a single point as a dot of three widths.  Ignore ``title``."""
        fixed, pen = _fixed(points), max(1, round(width * ZOOM))
        if len(fixed) == 1:
            radius = round(1.5 * pen * 2**SHIFT)
            self.cv2.circle(self._sheet, tuple(fixed[0].tolist()), radius, colour, -1, self.cv2.LINE_AA, SHIFT)
        elif len(fixed) > 1:
            pieces = [fixed]
            if is_dashed:                          # dashes 5 pixels long, and 4 apart beside their round ends
                x, y = np.asarray(points, np.float64).T
                length = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
                starts = np.arange(0.0, length[-1], 9.0 + width)
                ends = np.stack([starts, np.minimum(starts + 5.0, length[-1])], axis=1)
                pieces = list(map(_fixed, np.stack([np.interp(ends, length, x), np.interp(ends, length, y)], axis=2)))
            self.cv2.polylines(self._sheet, pieces, False, colour, pen, self.cv2.LINE_AA, SHIFT)

    def area(self, points: npt.ArrayLike, colour: Colour, opacity: float = 1.0) -> None:
        """Fill the polygon ``points`` (n, 2) with the given opacity."""
        painted = self._sheet.copy()
        self.cv2.fillPoly(painted, [_fixed(points)], colour, self.cv2.LINE_AA, SHIFT)
        self.cv2.addWeighted(painted, opacity, self._sheet, 1.0 - opacity, 0.0, self._sheet)

    def box(self, corner: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
        """Fill the rectangle of ``size`` (width, height) whose top left is ``corner``."""
        (left, top), (width, height) = np.multiply(corner, ZOOM), np.multiply(size, ZOOM)
        self._sheet[round(top):round(top + height), round(left):round(left + width)] = colour

    def boxes(self, corners: npt.ArrayLike, colour: Colour) -> None:
        """Fill rectangles, ``corners`` (n, 4): left, top, right, bottom."""
        for left, top, right, bottom in np.asarray(corners, np.float64).tolist():
            self.box((left, top), (right - left, bottom - top), colour)

    def text(self, words: str, at: tuple[float, float], size: float = 15, colour: Colour = INK,
             align: float = 0.0, bold: bool = False) -> None:
        """Write ``words``; ``at`` is the left end (``align`` 0), middle (0.5) or right end (1) of the base line."""
        left = at[0] - align * self.text_width(words, size, bold)
        font, scale, stroke = self._font(size, bold)
        origin = (round(left * ZOOM), round(at[1] * ZOOM))
        self.cv2.putText(self._sheet, _encodable(words), origin, font, scale, colour, stroke, self.cv2.LINE_AA)

    def text_width(self, words: str, size: float = 15, bold: bool = False) -> float:
        """Return the width of ``words`` in pixels."""
        return float(self.cv2.getTextSize(_encodable(words), *self._font(size, bold))[0][0] / ZOOM)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Return the finished picture, (height, width, 3) RGB."""
        shrunk = self.cv2.resize(self._sheet, (self.width, self.height), interpolation=self.cv2.INTER_AREA)
        return np.asarray(shrunk, np.uint8)

    def save(self, path: Union[str, Path]) -> None:
        """Write the picture atomically to ``path`` (.png, .jpg, ...); raise ValueError for an unknown suffix."""
        path = Path(path)
        if not path.suffix.isascii() or not self.cv2.haveImageWriter("any" + path.suffix):
            raise ValueError(f"cannot write a picture to {path}: the name must end in .png or .jpg")
        _, encoded = self.cv2.imencode(path.suffix, self.pixels()[..., ::-1])
        atomic_file.replace(path, encoded.tobytes())

    def _font(self, size: float, bold: bool) -> tuple[int, float, int]:
        return self.cv2.FONT_HERSHEY_SIMPLEX, size * ZOOM / 30.0, self._strokes[bold]  # 30 pixels high at scale 1


def _encodable(words: str) -> str:
    """Replace what is not UTF-8 (file names may contain it), because OpenCV crashes on it."""
    return words.encode(errors="replace").decode()


def _fixed(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Convert pixels to OpenCV's fixed-point coordinates on the doubled canvas, where pixel centres are integers."""
    doubled = np.asarray(points, np.float64).reshape(-1, 2) * ZOOM - 0.5
    return np.round(doubled * 2**SHIFT).astype(np.int32)
