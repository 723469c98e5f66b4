"""``RowRecord``: rows of numbers in one array that grows up to a limit; rows beyond it are counted, and not kept."""

from math import prod

import numpy as np
import numpy.typing as npt

MOST_ROWS, MOST_NUMBERS = 108_000, 1_000_000
FIRST = 64                     # rows to begin with


class RowRecord:
    """Rows of one shape and type.

    Attributes:
        limit: the most rows that are kept: MOST_ROWS, or fewer if they have more than MOST_NUMBERS numbers.
        count: rows appended since the last ``clear``, kept or not.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.limit = min(MOST_ROWS, MOST_NUMBERS // max(1, prod(shape)))
        self.count = 0
        self._rows = np.zeros((FIRST, *shape), dtype)

    def append(self, row: npt.ArrayLike) -> None:
        """Copy one more row, if there are not too many."""
        if self.count < self.limit:
            if self.count == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._rows[self.count] = row
        self.count += 1

    def clear(self) -> None:
        """Begin a new record."""
        self.count = 0

    def rows(self) -> np.ndarray | None:
        """Return a copy of all rows; None if there were too many."""
        return self._rows[:self.count].copy() if self.count <= self.limit else None
