"""The emulator's screen in grey, made from palette indices; only lines that have changed are translated.

``getScreenGrayscale`` translates all 33,600 pixels and takes ten times as long as ``getScreen``, which copies their
palette indices.  Most lines are the same as four frames before.  The grey level of an index is read from one of the
emulator's own grey screens when the index first appears, so every pixel equals that of ``getScreenGrayscale``.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.kernel import kernel

if TYPE_CHECKING:
    import ale_py


@kernel
def translate(indices, before, whole, levels, known, grey):
    """Set grey (h, w) to levels[indices], and before to indices, in lines that differ from ``before``, or in all.

    levels (256,) uint8, known (256,) bool.  Return False at the first index that is not known, else True.
    """
    for y in range(indices.shape[0]):
        difference = np.uint8(0)
        for x in range(indices.shape[1]):
            difference |= indices[y, x] ^ before[y, x]
        if whole or difference:
            for x in range(indices.shape[1]):
                if not known[indices[y, x]]:
                    return False
                grey[y, x] = levels[indices[y, x]]
            for x in range(indices.shape[1]):
                before[y, x] = indices[y, x]
    return True


class Palette:
    """The grey ``levels`` (256,) uint8 of the palette indices that are ``known`` (256,) bool."""

    def __init__(self) -> None:
        self.levels, self.known = np.zeros(256, np.uint8), np.zeros(256, np.bool_)


class GreyScreen:
    """The emulator's screen ``grey`` (h, w) uint8.  Only ``fetch`` and ``clear`` may write to it."""

    def __init__(self, grey: NDArray[np.uint8], palette: Palette) -> None:
        self.grey, self.palette = grey, palette
        self._indices, self._before = np.zeros_like(grey), np.zeros_like(grey)
        self._whole = True                                               # translate all lines of ``grey``

    def fetch(self, ale: "ale_py.ALEInterface") -> None:
        """Set grey to the current screen."""
        levels, known = self.palette.levels, self.palette.known
        ale.getScreen(self._indices)
        if not translate(self._indices, self._before, self._whole, levels, known, self.grey):
            ale.getScreenGrayscale(self.grey)
            levels[self._indices], known[self._indices] = self.grey, True
            self._before[:] = self._indices
        self._whole = False

    def clear(self) -> None:
        """Set grey to 0."""
        self.grey.fill(0)
        self._whole = True
