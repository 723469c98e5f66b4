"""d theta, the gradient of one rollout's loss: a flat vector with named views; large weights are kept as factors.

The gradient of a dense layer's weight W (I, O) over T rows is a sum of T outer products,

    d_W = x^T d_y                                       x (T, I), d_y (T, O)
    ||d_W||^2 = sum over s, t of (x_s . x_t) (d_y_s . d_y_t)

The paper's 2592 x 256 weight is 98 % of theta.  For a rollout of 5 steps the two factors are 47 times smaller than
d_W.  So backward keeps the factors, the norm is computed from them, and the optimizer computes d_W a few rows at a
time, in the processor's cache.  Each update saves three passes over 2.7 MB.
"""

from typing import Iterator

import numpy as np
import numpy.typing as npt

from ..system.aligned import aligned_zeros
from .kernel import kernel
from .parameters import Parameters, Shapes

LARGE = 2**18                  # numbers; the gradient of a smaller weight is an ordinary array
BATCH = 24                     # rows of factors from which matrix products are faster
BLOCK = 2**16                  # numbers of d_W that are computed at a time: 256 KB


@kernel
def write_columns(x, h, first):
    """Set the columns of h (I, rows) from ``first`` on to the rows of x (n, I)."""
    for i in range(len(h)):
        for t in range(len(x)):
            h[i, first + t] = x[t, i]


@kernel
def nonzero_rows(h, columns, rows):
    """Write to rows (I,) which rows of h (I, rows) are not 0 in all of the first ``columns``; return how many are."""
    count = 0
    for i in range(len(h)):
        nonzero = False
        for t in range(columns):
            nonzero |= h[i, t] != 0                                      # NaN is not 0
        rows[count] = i
        count += nonzero
    return count


@kernel
def square_norm(x, inputs, d_y, products):
    """Return sum over s, t of (x_s . x_t) (d_y_s . d_y_t), for x (I, rows >= T) and d_y (T, O).

    Only the rows ``inputs`` of x are read; products (T, T) is scratch.  All is float64, because terms may cancel.
    """
    products[:] = 0
    for i in inputs:
        for s in range(len(d_y)):
            x_s = np.float64(x[i, s])
            for t in range(s + 1):
                products[s, t] += x_s * x[i, t]
    total = 0.0
    for s in range(len(d_y)):
        for t in range(s + 1):
            product = 0.0
            for j in range(d_y.shape[1]):
                product += np.float64(d_y[s, j]) * d_y[t, j]
            total += products[s, t] * product * (1 if s == t else 2)     # s, t and t, s
    return total


class OuterProducts:
    """d_W = x^T d_y of a weight (I, O), kept as its factors.

    Attributes:
        part: the weight's place in the flat vector.
        x: (I, rows), transposed, and d_y: (rows, O), of which the first ``length`` rows are used.
        inputs: the inputs that were not 0 in all of these rows; only their rows of d_W are not 0.
        row: (O,) zeros, scratch of the optimizer.
    """

    def __init__(self, shape: tuple[int, int], start: int, rows: int, dtype: npt.DTypeLike) -> None:
        inputs, outputs = shape
        self.part = slice(start, start + inputs * outputs)
        self.x = np.zeros((inputs, rows), dtype)
        self.d_y = np.zeros((rows, outputs), dtype)
        self.length = 0
        self._inputs, self._products = np.empty(inputs, np.intp), np.empty((rows, rows))
        self.inputs = self._inputs[:0]
        self._block = aligned_zeros(max(1, BLOCK // outputs) * outputs, dtype).reshape(-1, outputs)
        self.row = np.zeros(outputs, dtype)

    def view(self, vector: np.ndarray) -> np.ndarray:
        """Return this weight's part (I, O) of a vector like theta."""
        return vector[self.part].reshape(len(self.x), -1)

    def add(self, x: np.ndarray, d_y: np.ndarray) -> None:
        """Add x^T d_y to d_W, for x (n, I) and d_y (n, O), copied.  Raise ValueError if n rows do not fit."""
        rows = slice(self.length, self.length + len(x))
        if rows.stop > len(self.d_y):
            raise ValueError(f"gradient of {rows.stop} rows does not fit (limit {len(self.d_y)})")
        write_columns(x, self.x, self.length)
        self.d_y[rows] = d_y
        self.length = rows.stop
        self.inputs = self._inputs[:nonzero_rows(self.x, self.length, self._inputs)]

    def square_norm(self) -> float:
        """Return ||d_W||^2; rounding does not make it negative, NaN stays NaN."""
        d_y = self.d_y[:self.length]
        if self.length >= BATCH:
            x, d_y = self.x[:, :self.length].astype(np.float64), d_y.astype(np.float64)
            return np.maximum(((x.T @ x) * (d_y @ d_y.T)).sum(), 0)
        total = square_norm(self.x, self.inputs, d_y, self._products)
        return np.maximum(total, 0)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield d_W as ``(place in the flat vector, gradient)``, some rows at a time, each valid until the next."""
        x, d_y, outputs = self.x[:, :self.length], self.d_y[:self.length], self.d_y.shape[1]
        for first in range(0, len(x), len(self._block)):
            block = x[first:first + len(self._block)]
            d = np.matmul(block, d_y, out=self._block[:len(block)])
            start = self.part.start + first * outputs
            yield slice(start, start + d.size), d.reshape(-1)


class Gradient(Parameters):
    """d theta.  ``tree`` has an OuterProducts in place of each weight named in ``factored``; ``flat`` has the rest.

    Like an array it has ``dtype``, ``fill``, ``copy`` and ``*=``.
    """

    def __init__(self, shapes: Shapes, rows: int = 0, factored: tuple[str, ...] = (),
                 dtype: npt.DTypeLike = np.float32) -> None:
        """Allocate zeros, and factors of ``rows`` rows for the weights named in ``factored`` ("dense.weight")."""
        super().__init__(shapes, dtype=dtype)
        self.dtype = self.flat.dtype
        self.products: list[OuterProducts] = []
        self.rest: list[slice] = []                                      # parts of flat between the factored weights
        start = end = 0
        for name, view in self.named().items():
            if name in factored and rows * sum(view.shape) < view.size:  # or the factors would cost more than d_W
                self.products.append(OuterProducts(view.shape, end, rows, dtype))
                *path, last = name.split(".")
                tree = self.tree
                for key in path:
                    tree = tree[key]
                tree[last] = self.products[-1]
                self.rest.append(slice(start, end))
                start = end + view.size
            end += view.size
        self.rest.append(slice(start, end))

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


def arrays(d: np.ndarray | Gradient) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield ``(place in the flat vector, gradient)`` of what is kept as arrays; the caller sets each to 0."""
    if isinstance(d, Gradient):
        yield from ((part, d.flat[part]) for part in d.rest)
    else:
        yield slice(0, len(d)), d


def arrays_and_batches(d: np.ndarray | Gradient) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield ``arrays``, and blocks of the factors of BATCH rows and more."""
    yield from arrays(d)
    for product in d.products if isinstance(d, Gradient) else []:
        yield from product.blocks() if product.length >= BATCH else ()


def products(d: np.ndarray | Gradient) -> Iterator[OuterProducts]:
    """Yield the other factors; after both d is 0."""
    for product in d.products if isinstance(d, Gradient) else []:
        if product.length < BATCH:
            yield product
        product.length = 0


def blocks(d: np.ndarray | Gradient) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the whole gradient as ``arrays`` does, with a few rows at a time of what is kept as factors."""
    yield from arrays_and_batches(d)
    for product in products(d):
        yield from product.blocks()
