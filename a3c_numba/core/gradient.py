"""d theta, the gradient of one rollout's loss: a flat vector with named views; large weights are kept as factors.

The gradient of a dense layer's weight W (I, O) over T rows is a sum of T outer products,

    d_W = x^T d_y                                       x (T, I), d_y (T, O)
    ||d_W||^2 = sum over s, t of (x_s . x_t) (d_y_s . d_y_t)

The paper's 2592 x 256 weight is 98 % of theta.  For a rollout of 5 steps the two factors are 47 times smaller than
d_W.  So backward keeps the factors, the norm is computed from them, and the optimizer computes d_W one block of rows
at a time, in the processor's cache.  Each update saves three passes over 2.7 MB.
"""

from typing import Iterator

import numpy as np
import numpy.typing as npt

from ..system.aligned import aligned_zeros
from .parameters import Parameters, Shapes

LARGE = 2**18                  # numbers; the gradient of a smaller weight is an ordinary array
BLOCK = 2**16                  # numbers of d_W that are computed at a time: 256 KB


class OuterProducts:
    """d_W = x^T d_y of a weight (I, O), kept as its factors.

    Attributes:
        part: the weight's place in the flat vector.
        x: (rows, I), d_y: (rows, O), of which the first ``length`` rows are used.
    """

    def __init__(self, shape: tuple[int, int], start: int, rows: int, dtype: npt.DTypeLike) -> None:
        inputs, outputs = shape
        self.part = slice(start, start + inputs * outputs)
        self.x, self.d_y = np.zeros((rows, inputs), dtype), np.zeros((rows, outputs), dtype)
        self.length = 0
        self._block = aligned_zeros(max(1, BLOCK // outputs) * outputs, dtype).reshape(-1, outputs)

    def add(self, x: np.ndarray, d_y: np.ndarray) -> None:
        """Add x^T d_y to d_W, for x (n, I) and d_y (n, O), copied.  Raise ValueError if n rows do not fit."""
        rows = slice(self.length, self.length + len(x))
        if rows.stop > len(self.x):
            raise ValueError(f"gradient of {rows.stop} rows does not fit (limit {len(self.x)})")
        self.x[rows], self.d_y[rows] = x, d_y
        self.length = rows.stop

    def square_norm(self) -> float:
        """Return ||d_W||^2; rounding does not make it negative, NaN stays NaN."""
        x, d_y = (factor[:self.length].astype(np.float64) for factor in (self.x, self.d_y))     # terms may cancel
        with np.errstate(all="ignore"):                                  # the optimizer checks the norm
            return np.maximum(((x @ x.T) * (d_y @ d_y.T)).sum(), 0)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield d_W as ``(place in the flat vector, gradient)``, some rows at a time, each valid until the next."""
        x, d_y, outputs = self.x[:self.length], self.d_y[:self.length], self.d_y.shape[1]
        for first in range(0, x.shape[1], len(self._block)):
            block = x[:, first:first + len(self._block)]
            d = np.matmul(block.T, d_y, out=self._block[:block.shape[1]])
            start = self.part.start + first * outputs
            yield slice(start, start + d.size), d.reshape(-1)


class Gradient(Parameters):
    """d theta.  ``tree`` has an OuterProducts in place of each weight named in ``factored``; ``flat`` has the rest.

    Like an array it has ``dtype``, ``fill``, ``copy`` and ``*=``.
    """

    def __init__(self, shapes: Shapes, rows: int = 0, factored: tuple[str, ...] = (),
                 dtype: npt.DTypeLike = np.float32) -> None:
        """Allocate zeros for these shapes, and factors of ``rows`` rows for the weights ``factored`` ("dense.weight").
        """
        super().__init__(shapes, dtype=dtype)
        self.dtype = self.flat.dtype
        self.products: list[OuterProducts] = []
        self.rest: list[slice] = []                                      # parts of flat between the factored weights
        start = end = 0
        for name, view in self.named().items():
            if name in factored and rows * sum(view.shape) < view.size:  # or the factors would cost more than d_W
                self.products.append(OuterProducts(view.shape, end, rows, dtype))
                self._put(name, self.products[-1])
                self.rest.append(slice(start, end))
                start = end + view.size
            end += view.size
        self.rest.append(slice(start, end))

    def _put(self, name: str, leaf: OuterProducts) -> None:
        *path, last = name.split(".")
        tree = self.tree
        for key in path:
            tree = tree[key]
        tree[last] = leaf

    def square_norms(self) -> Iterator[float]:
        """Return numbers whose sum is the share of the factored weights in ||d theta||^2."""
        return (product.square_norm() for product in self.products)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the whole gradient as ``(place in the flat vector, gradient)``; the caller sets each block to 0.

        Afterwards the gradients of the factored weights are 0 too.
        """
        for part in self.rest:
            yield part, self.flat[part]
        for product in self.products:
            yield from product.blocks()
            product.length = 0

    def __imul__(self, factor: np.floating) -> "Gradient":
        for part in self.rest:
            self.flat[part] *= factor
        for product in self.products:
            product.d_y[:product.length] *= factor
        return self

    def fill(self, value: float) -> None:
        """Set d theta to 0; no other value is allowed."""
        if value != 0:
            raise ValueError(f"a gradient can be filled with 0 only; got {value}")
        self.flat.fill(0)
        for product in self.products:
            product.length = 0

    def copy(self) -> np.ndarray:
        """Return the whole gradient (n,) as a new array."""
        whole = self.flat.copy()
        for product in self.products:
            for part, d in product.blocks():
                whole[part] = d
        return whole


def blocks(d: np.ndarray | Gradient) -> Iterator[tuple[slice, np.ndarray]]:
    """Return ``Gradient.blocks``, or one block if ``d`` is a flat array (n,)."""
    return d.blocks() if isinstance(d, Gradient) else iter([(slice(0, len(d)), d)])
