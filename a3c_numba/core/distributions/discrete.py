"""What all policies over n actions have in common."""

from typing import Any, ClassVar

import numpy as np


class OverActions:
    """A policy over the actions 0 .. n - 1, from n numbers for a state, the higher the better."""

    n: int
    action_shape: ClassVar[tuple[int, ...]] = ()
    action_dtype: ClassVar[Any] = np.int64

    @property
    def width(self) -> int:
        """How many numbers the network gives for one state."""
        return self.n

    def best(self, rows: np.ndarray) -> np.ndarray:
        """The action of the highest number in each row (T,)."""
        return rows.argmax(axis=1)

    def executed(self, action: Any) -> int:
        """What the environment is given."""
        return int(action)
