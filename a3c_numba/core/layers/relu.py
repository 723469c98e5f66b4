"""Rectified linear unit.

    y = max(x, 0)          x, y any shape (n, ...)
    d_x = d_y [x > 0]      and x > 0 if and only if y > 0
"""

import numpy as np

from ..kernel import kernel
from ..parameters import Shape, Tree
from .base import Cache, Changed, Layer


@kernel
def forward(x, y):
    """Set y (m,) to max(x (m,), 0)."""
    for i in range(len(x)):
        y[i] = max(x[i], 0)


@kernel
def backward(y, d_y, d_x):
    """Set d_x (m,) to d_y (m,) if y (m,) > 0, else to 0."""
    for i in range(len(y)):
        d_x[i] = d_y[i] if y[i] > 0 else 0


class ReLU(Layer[np.ndarray]):
    """y = max(x, 0), without parameters; ``shape`` is the shape of one row of x and of y."""

    shapes: dict[str, Shape] = {}

    def __init__(self, shape: Shape) -> None:
        self.input_shape = self.output_shape = shape

    def forward(self, p: Tree, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        y = cache.y[rows]
        forward(x.reshape(-1), y.reshape(-1))
        return y

    def step(self, p: Tree, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """Compute y of row t; it may have changed at the places where x has."""
        return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), changed

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray:
        n = len(x)
        d_x = cache.d_x[:n]
        backward(cache.y[:n].reshape(-1), d_y.reshape(-1), d_x.reshape(-1))
        return d_x
