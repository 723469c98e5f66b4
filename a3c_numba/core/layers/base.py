"""The base class of layers, and the cache that forward writes and backward reads.

Row t belongs to step t of a rollout.  Acting writes one row at a time, and backward reads the same rows: theta' does
not change inside a rollout, so nothing is computed twice.  Backward always takes rows 0 .. n - 1.
"""

from typing import Any

import numpy as np

from ..parameters import Shape


class Cache:
    """Outputs ``y`` (rows, *output_shape) and input gradients ``d_x`` (rows, *input_shape) of one layer."""

    counts: np.ndarray         # scratch; only some layers have it
    states: tuple[np.ndarray, ...] = ()     # (rows + 1, n) each: row t is a recurrent layer's state before row t

    def __init__(self, input_shape: Shape, output_shape: Shape, rows: int, dtype: Any) -> None:
        self.y = np.zeros((rows, *output_shape), dtype)
        self.d_x = np.zeros((rows, *input_shape), dtype)


Changed = np.ndarray | None    # (H, W) bool, the places that may have changed; None: all of them


class Layer:
    """Defaults that a layer may override.

    Attributes:
        factored: names of large weights whose gradient may be kept as factors (gradient.py).
    """

    factored: tuple[str, ...] = ()
    forward: Any

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed) -> tuple[Any, Changed]:
        """Compute y (1, ...) of row t alone from x (rows, ...); the rows before it were computed with the same p.

        ``changed`` (H, W) bool marks the places of an image where x[t] may differ from x[t - 1]; None: everywhere.
        Return y, and the same mask for y.
        """
        return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None
