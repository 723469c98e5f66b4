"""The base class of distributions over n discrete actions."""

from typing import Any, ClassVar

import numpy as np


class DiscreteActions:
    """A distribution over the actions 0 .. n - 1, from n network outputs per state; a higher output is preferred."""

    n: int
    action_shape: ClassVar[tuple[int, ...]] = ()
    action_dtype: ClassVar[Any] = np.int64

    @property
    def width(self) -> int:
        """Return the number of network outputs per state."""
        return self.n

    def best(self, rows: np.ndarray) -> np.ndarray:
        """Return the action with the highest output in each row (T,)."""
        return rows.argmax(axis=1)

    def executed(self, action: Any) -> int:
        """Return the argument of ``env.step``."""
        return int(action)
