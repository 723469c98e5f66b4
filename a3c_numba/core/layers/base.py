"""What a layer remembers between forward and backward, allocated once.

Row t belongs to step t of a rollout.  Acting writes one row at a time, and these very rows are what backward reads:
theta' does not change inside a rollout, so nothing is ever computed twice.  Backward always takes rows 0 .. n - 1.
"""

from typing import Any

import numpy as np

from ..parameters import Shape


class Cache:
    """Outputs ``y`` (rows, *output_shape) and input gradients ``d_x`` (rows, *input_shape) of one layer."""

    counts: np.ndarray         # only where a layer needs such scratch
    states: tuple[np.ndarray, ...] = ()     # (rows + 1, n) each: row t is a recurrent layer's state before row t

    def __init__(self, input_shape: Shape, output_shape: Shape, rows: int, dtype: Any) -> None:
        self.y = np.zeros((rows, *output_shape), dtype)
        self.d_x = np.zeros((rows, *input_shape), dtype)


Changed = np.ndarray | None


class Layer:
    """What every layer has unless it has its own.

    Attributes:
        factored: names of large weights, whose gradient may be handed over as factors (gradient.py).
    """

    factored: tuple[str, ...] = ()
    forward: Any

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed) -> tuple[Any, Changed]:
        """x (rows, ...) -> y (1, ...) of row t alone; rows before it were computed with the same p.

        ``changed`` (H, W) bool says at which places of an image x[t] may differ from x[t - 1]; None is everywhere.
        Returns y and the same of y.
        """
        return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None
