"""What a chart is, as data: panels of marks on two axes, a title and keys.  ``drawing`` draws it.

Coordinates are in the unit of the axes: arrays (n,), or one number for all.  Widths are pixels in the style PICTURE.
"""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Sequence

import numpy as np
import numpy.typing as npt

from .axes import Axis, Box, Floats
from .colours import PALETTE, Colour


class Style(NamedTuple):
    """Sizes, in pixels."""

    font: float
    margins: Box               # around a panel, for the axes' numbers and names; ``top`` is from the title and the keys
    edge: float                # from the left to the text
    is_titled: bool


PICTURE = Style(17, Box(95, 62, 40, 75), 28, True)
FIGURE = Style(12, Box(58, 30, 14, 46), 4, False)  # of a page, which has the title above it


@dataclass(frozen=True)
class Series:
    """A curve ``y`` against ``x``, optionally with a band from ``low`` to ``high``; a single point is a dot.

    If not ``is_joined``, each point is a dot.  While the mouse is over the curve, a page shows ``title``.
    """

    name: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    low: Optional[npt.ArrayLike] = None
    high: Optional[npt.ArrayLike] = None
    colour: Optional[Colour] = None                # by default the palette's, by the place in the panel
    width: float = 3.0
    is_joined: bool = True
    is_dashed: bool = False
    title: str = ""

    def columns(self) -> Floats:
        """Return the finite points, (4, n): x, y, low, high; without a band ``low`` and ``high`` are ``y``."""
        low, high = (self.y if edge is None else edge for edge in (self.low, self.high))
        columns = np.array([self.x, self.y, low, high], np.float64).reshape(4, -1)
        return columns[:, np.isfinite(columns).all(axis=0)]


@dataclass(frozen=True)
class Boxes:
    """Bars, lanes or spans of time: rectangles, at least ``least`` pixels wide."""

    left: npt.ArrayLike
    right: npt.ArrayLike
    low: npt.ArrayLike
    high: npt.ArrayLike
    colour: Colour = PALETTE[0]
    least: float = 0.0


@dataclass(frozen=True)
class Texts:
    """Some words above each point."""

    x: npt.ArrayLike
    y: npt.ArrayLike
    words: Sequence[str]


class Key(NamedTuple):
    """The meaning of a colour: a stroke ``width`` pixels thick, and words."""

    words: str
    colour: Colour
    width: float = 4.0


@dataclass(frozen=True)
class Panel:
    """Marks on a pair of axes, drawn in this order; ``note`` stands in the middle."""

    x: Axis
    y: Axis
    boxes: Sequence[Boxes] = ()
    series: Sequence[Series] = ()
    texts: Sequence[Texts] = ()
    note: str = ""
    keys: Sequence[Key] = ()                       # beside the name of the y axis
    box: Optional[Box] = None                      # by default panels share the chart's width


@dataclass(frozen=True)
class Chart:
    """Panels under one title, ``size`` (width, height); ``about`` is a description for screen readers."""

    title: str
    size: tuple[int, int]
    panels: Sequence[Panel]
    keys: Sequence[Key] = ()
    subtitle: str = ""
    about: str = ""
    style: Style = PICTURE


def colour_of(index: int) -> Colour:
    """Return the default colour of series number ``index``."""
    return PALETTE[index % len(PALETTE)]
