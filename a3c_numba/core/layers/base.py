"""What a layer is, and the cache that forward writes and backward reads.

A layer is an immutable description and owns no parameters: the caller passes them to every call.  Row t of a cache
belongs to step t of a rollout.  Acting writes one row at a time, and backward reads the same rows: theta' does not
change inside a rollout, so nothing is computed twice.  Backward always takes rows 0 .. n - 1.
"""

from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ..parameters import Shape, Shapes, Tree

Y = TypeVar("Y")               # the type of y: an array, or a tuple of them where a network has several heads
Changed = np.ndarray | None    # (H, W) bool, the places that may have changed; None: all of them
Memory = Any                   # what the layer's own ``cache`` has returned


class Cache:
    """Outputs ``y`` (rows, *output_shape) and input gradients ``d_x`` (rows, *input_shape) of one layer."""

    counts: np.ndarray         # scratch; only some layers have it
    greys: np.ndarray          # (rows,) likewise: the median of each image
    states: tuple[np.ndarray, ...] = ()     # (rows + 1, n) each: row t is a recurrent layer's state before row t

    def __init__(self, input_shape: Shape, output_shape: Shape, rows: int, dtype: npt.DTypeLike) -> None:
        self.y = np.zeros((rows, *output_shape), dtype)
        self.d_x = np.zeros((rows, *input_shape), dtype)


class Layer(Protocol[Y]):
    """y = f(x; p) and its gradients, for n rows.  Layers inherit ``init``, ``cache`` and ``step`` or override them.

    Attributes:
        input_shape, output_shape: of one row of x and of y.
        shapes: of the parameters p, by name.
        factored: names of large weights whose gradient may be kept as factors (gradient.py).
    """

    input_shape: Shape
    output_shape: Shape
    shapes: Shapes
    factored: tuple[str, ...] = ()

    def init(self, p: Tree, rng: np.random.Generator) -> None:
        """Draw the parameters in place."""
        return None

    def cache(self, rows: int, dtype: npt.DTypeLike) -> Memory:
        """Allocate ``rows`` rows, once."""
        return Cache(self.input_shape, self.output_shape, rows, dtype)

    def forward(self, p: Tree, x: np.ndarray, cache: Memory, rows: slice) -> Y:
        """Compute y (n, *output_shape) from x (n, *input_shape); write ``rows`` of the cache, of which y is a view."""

    def step(self, p: Tree, x: np.ndarray, cache: Memory, t: int, changed: Changed) -> tuple[Y, Changed]:
        """Compute y (1, ...) of row t alone from x (rows, ...); the rows before it were computed with the same p.

        ``changed`` (H, W) bool marks the places of an image where x[t] may differ from x[t - 1]; None: everywhere.
        Return y, and the same mask for y.
        """
        return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Memory, d_y: Y,
                 input_gradient: bool = True) -> np.ndarray | None:
        """Compute d_x (n, *input_shape) from d_y; ADD to d_p, OVERWRITE d_x, which is optional if not asked for."""


Outputs = tuple[np.ndarray, ...]        # of a network's heads, (n, width) each
Network = Layer[Outputs]
