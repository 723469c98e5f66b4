"""Fully connected layers: plain, and with a ReLU at the entrance.

Dense, for rows x (n, I), weight W (I, O), bias b (O,):

    y = x W + b
    d_W += x^T d_y        d_b += sum over rows of d_y        d_x = d_y W^T

RectifiedDense is a ReLU and a Dense in one, h = max(x, 0), y = h W + b:

    d_W += h^T d_y        d_x = (d_y W^T) [x > 0]

About half of all h are zero after a ReLU, and a zero neither adds to y nor lets a gradient through.  One row of the
paper's 2592 x 256 layer is bound by the memory that W comes from, so not reading the rows of W that a zero would
multiply nearly halves the time, forwards and backwards; that is why the ReLU is fused with the layer above it.

A large layer does less still.  Inside a rollout theta' does not change, and h changes little from row to row: ``step``
reads only the rows of W whose input changed,  y_t = y_t-1 + (h_t - h_t-1) W.  Backward keeps h and d_y, and leaves d_W
to the optimizer (gradient.py).
"""

from typing import Any

import numpy as np

from ..gradient import LARGE, OuterProducts
from ..kernel import kernel
from . import conv2d_tiled, dot_tile
from .base import Cache, Changed, Layer, Shape
from .initializers import Initializer, fan_in_uniform


class Dense(Layer):
    """y = x W + b, by numpy's matrix product."""

    def __init__(self, inputs: int, outputs: int, initialize: Initializer = fan_in_uniform) -> None:
        self.input_shape: Shape = (inputs,)
        self.output_shape: Shape = (outputs,)
        self.shapes = {"weight": (inputs, outputs), "bias": (outputs,)}
        self.initialize = initialize

    def init(self, p: Any, rng: np.random.Generator) -> None:
        """Draw weight and bias, in place."""
        self.initialize(p["weight"], p["bias"], rng)

    def cache(self, rows: int, dtype: Any) -> Cache:
        """Room for ``rows`` rows of y and d_x."""
        return Cache(self.input_shape, self.output_shape, rows, dtype)

    def forward(self, p: Any, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        """x (n, inputs) -> y (n, outputs), a view of the cache."""
        y = cache.y[rows]
        np.matmul(x, p["weight"], out=y)                                 # y = x W
        y += p["bias"]                                                   # + b
        return y

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray | None:
        """d_y (n, outputs) -> d_x (n, inputs), if asked for; adds to d_p."""
        d_p["weight"] += x.T @ d_y                                       # y = x W
        d_p["bias"] += d_y.sum(axis=0)                                   # + b
        return np.matmul(d_y, p["weight"].T, out=cache.d_x[:len(x)]) if input_gradient else None


@kernel
def rectified_forward(x, weight, bias, y):
    """y (n, O) <- max(x, 0) (n, I) weight (I, O) + bias (O,)."""
    for t in range(len(x)):
        for j in range(len(bias)):
            y[t, j] = bias[j]
        for i in range(len(weight)):
            if not x[t, i] <= 0:                                         # NaN goes through, to be seen
                for j in range(len(bias)):
                    y[t, j] += x[t, i] * weight[i, j]


@kernel
def rectified_step(x, changed, weight, change, y):
    """y[1] (O,) <- y[0] + (max(x[1], 0) - max(x[0], 0)) weight (I, O), for x (2, places, C), I = places C.

    changed (places,) bool: elsewhere x[1] is x[0], and those rows of the weight are not read.  Scratch: change (C,).
    """
    C = len(change)
    for j in range(y.shape[1]):
        y[1, j] = y[0, j]
    for place in range(len(changed)):
        if changed[place]:
            for c in range(C):
                before, after = x[0, place, c], x[1, place, c]
                change[c] = max(after, 0 * after) - max(before, 0 * before)
            for c in range(C):
                if change[c] != 0:
                    for j in range(y.shape[1]):
                        y[1, j] += change[c] * weight[place * C + c, j]


@kernel
def rectified_backward(x, weight, d_y, d_weight, d_bias, d_x):
    """d_weight, d_bias added to; d_x (n, I) overwritten.  Input by input, so that a row of weight is read once."""
    for t in range(len(x)):
        for j in range(len(d_bias)):
            d_bias[j] += d_y[t, j]                                       # y = ... + bias[j]
    for i in range(len(weight)):
        for t in range(len(x)):
            d_x[t, i] = 0                                                # x <= 0: nothing reached y
            if not x[t, i] <= 0:
                d = d_x[t, i]
                for j in range(len(d_bias)):
                    d_weight[i, j] += x[t, i] * d_y[t, j]                # y[t, j] += x[t, i] * weight[i, j]
                    d += weight[i, j] * d_y[t, j]                        # y[t, j] += x[t, i] * weight[i, j]
                d_x[t, i] = d


@kernel
def transposed_product(d_y, weight, d_x):
    """d_x (n, I) <- d_y (n, O) weight^T.  Input by input, so that a row of weight (I, O) is read once."""
    for i in range(len(weight)):
        for t in range(len(d_y)):
            d = 0 * d_y[t, 0]
            for j in range(d_y.shape[1]):
                d += weight[i, j] * d_y[t, j]                            # y[t, j] += x[t, i] * weight[i, j]
            d_x[t, i] = d


@kernel
def shut(x, d_x):
    """d_x (m,) <- 0 where the ReLU that put out max(x, 0) was closed."""
    for i in range(len(x)):
        d_x[i] = 0 if x[i] <= 0 else d_x[i]


def input_backward(d_y: np.ndarray, weight: np.ndarray, d_x: np.ndarray) -> None:
    """d_x (n, I) <- d_y (n, O) weight^T, by the faster of two kernels."""
    if conv2d_tiled.supported(weight.shape[1], weight.dtype):
        dot_tile.transposed_product(d_y, weight, d_x)
    else:
        transposed_product(d_y, weight, d_x)


class RectifiedDense(Dense):
    """y = max(x, 0) W + b: the ReLU of the layer below and this layer, as one.

    ``inputs`` may be a shape, such as the (9, 9, 32) of a convolution: rows are then read as flat vectors.
    """

    def __init__(self, inputs: int | tuple[int, ...], outputs: int, initialize: Initializer = fan_in_uniform) -> None:
        super().__init__(int(np.prod(inputs)), outputs, initialize)
        self.input_shape = inputs if isinstance(inputs, tuple) else (inputs,)
        self.factored = ("weight",) if np.prod(self.shapes["weight"]) >= LARGE else ()

    def forward(self, p: Any, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        """x (n, *input_shape) -> y (n, outputs), a view of the cache."""
        y = cache.y[rows]
        rectified_forward(x.reshape(len(x), -1), p["weight"], p["bias"], y)
        return y

    def step(self, p: Any, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """x (rows, *input_shape) -> y (1, outputs) of row t: of an image, y of row t - 1 and what has changed."""
        if changed is None:
            return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None
        places, y = changed.reshape(-1), cache.y[t - 1:t + 1]
        x = x[t - 1:t + 1].reshape(2, len(places), -1)
        rectified_step(x, places, p["weight"], cache.d_x[t].reshape(-1)[:x.shape[2]], y)
        return y[1:], None

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray:
        """d_y (n, outputs) -> d_x (n, *input_shape), formed in any case; adds to d_p."""
        n, d_W = len(x), d_p["weight"]
        x, d_x = x.reshape(n, -1), cache.d_x[:n].reshape(n, -1)
        if isinstance(d_W, OuterProducts):
            d_W.add(np.maximum(x, 0), d_y)                               # y = h W
            d_p["bias"] += d_y.sum(axis=0)                               # + b
            input_backward(d_y, p["weight"], d_x)                        # y = h W
            shut(x.reshape(-1), d_x.reshape(-1))                         # h = max(x, 0)
        else:
            rectified_backward(x, p["weight"], d_y, d_W, d_p["bias"], d_x)
        return cache.d_x[:n]
