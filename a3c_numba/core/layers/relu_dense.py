"""ReluDense: a fully connected layer that applies a ReLU to its input, fused.

For rows x (n, I), weight W (I, O), bias b (O,):

    h = max(x, 0)         y = h W + b
    d_W += h^T d_y        d_b += sum over rows of d_y        d_x = (d_y W^T) [x > 0]

About half of all h are zero, and a zero neither adds to y nor passes a gradient.  The paper's 2592 x 256 layer is
limited by the speed at which W is read.  Skipping the rows of W that a zero would multiply nearly halves the time,
forwards and backwards.

``step`` computes less still.  Inside a rollout theta' does not change, and h changes little from row to row: ``step``
reads only the rows of W whose input changed,  y_t = y_t-1 + (h_t - h_t-1) W.  In a large layer, backward keeps h and
d_y and leaves d_W to the optimizer (gradient.py).
"""

import numpy as np

from ...fast_kernels import conv2d_tiled, dot_tile
from ..gradient import LARGE, OuterProducts
from ..kernel import kernel
from ..parameters import Tree
from .base import Cache, Changed
from .dense import Dense
from .initializers import Initializer, fan_in_uniform

MANY = 8                       # rows from which a matrix product, zeros included, is faster
REFRESH = 256                  # rows after which y is computed anew: rounding adds up to 2e-5 of y in 200 rows


@kernel
def rectified_forward(x, weight, bias, y):
    """Set y (n, O) to max(x, 0) (n, I) weight (I, O) + bias (O,)."""
    for t in range(len(x)):
        for j in range(len(bias)):
            y[t, j] = bias[j]
        for i in range(len(weight)):
            if not x[t, i] <= 0:                                         # NaN passes and stays visible
                for j in range(len(bias)):
                    y[t, j] += x[t, i] * weight[i, j]


@kernel
def rectified_step(x, changed, weight, change, y):
    """Set y[1] (O,) to y[0] + (max(x[1], 0) - max(x[0], 0)) weight (I, O), for x (2, places, C), I = places C.

    Rows of weight are read only at places that ``changed`` (places,) bool marks; change (C,) is scratch.
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
    """Add to d_weight and d_bias; overwrite d_x (n, I).  The outer loop runs over inputs: weight is read once."""
    for t in range(len(x)):
        for j in range(len(d_bias)):
            d_bias[j] += d_y[t, j]                                       # y = ... + bias[j]
    for i in range(len(weight)):
        for t in range(len(x)):
            d_x[t, i] = 0                                                # x <= 0: y does not depend on it
            if not x[t, i] <= 0:
                d = d_x[t, i]
                for j in range(len(d_bias)):
                    d_weight[i, j] += x[t, i] * d_y[t, j]                # y[t, j] += x[t, i] * weight[i, j]
                    d += weight[i, j] * d_y[t, j]                        # y[t, j] += x[t, i] * weight[i, j]
                d_x[t, i] = d


@kernel
def transposed_product(d_y, weight, rows, d_x):
    """Set the columns ``rows`` (m,) of d_x (n, I) to those of d_y (n, O) weight^T, for weight (I, O)."""
    for i in rows:                                                       # each row of weight is read once
        for t in range(len(d_y)):
            d = 0 * d_y[t, 0]
            for j in range(d_y.shape[1]):
                d += weight[i, j] * d_y[t, j]                            # y[t, j] += x[t, i] * weight[i, j]
            d_x[t, i] = d


@kernel
def shut(x, d_x):
    """Set d_x (m,) to 0 at every x (m,) <= 0, where max(x, 0) is constant."""
    for i in range(len(x)):
        d_x[i] = 0 if x[i] <= 0 else d_x[i]


def input_backward(d_y: np.ndarray, weight: np.ndarray, rows: np.ndarray, d_x: np.ndarray) -> None:
    """Set the columns ``rows`` of d_x (n, I) to those of d_y (n, O) weight^T, with the faster of two kernels."""
    if conv2d_tiled.supported(weight.shape[1], weight.dtype):
        dot_tile.transposed_product(d_y, weight, rows, d_x)
    else:
        transposed_product(d_y, weight, rows, d_x)


class ReluDense(Dense):
    """y = max(x, 0) W + b: the ReLU of the layer below, fused with this layer.

    ``inputs`` may be a shape, such as the (9, 9, 32) of a convolution; each row is then read as a flat vector.
    """

    def __init__(self, inputs: int | tuple[int, ...], outputs: int, initialize: Initializer = fan_in_uniform) -> None:
        super().__init__(int(np.prod(inputs)), outputs, initialize)
        self.input_shape = inputs if isinstance(inputs, tuple) else (inputs,)
        self.factored = ("weight",) if np.prod(self.shapes["weight"]) >= LARGE else ()

    def forward(self, p: Tree, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        y, x, W = cache.y[rows], x.reshape(len(x), -1), p["weight"]
        if len(x) < MANY:
            rectified_forward(x, W, p["bias"], y)
            return y
        h = np.maximum(x, 0, out=cache.d_x[rows].reshape(x.shape))       # d_x is scratch until backward
        y[:] = p["bias"]                                                 # y = b
        if conv2d_tiled.supported(W.shape[1], W.dtype):
            conv2d_tiled.add_product(h, W, y)                            # + h W
        else:
            y += h @ W                                                   # + h W
        return y

    def step(self, p: Tree, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """Compute y of row t; of images, update y of row t - 1."""
        if changed is None or 4 * np.count_nonzero(changed) > 3 * changed.size or t % REFRESH == 0:
            return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None
        places, y = changed.reshape(-1), cache.y[t - 1:t + 1]
        x = x[t - 1:t + 1].reshape(2, len(places), -1)
        rectified_step(x, places, p["weight"], cache.d_x[t].reshape(-1)[:x.shape[2]], y)
        return y[1:], None

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray:
        n, d_W = len(x), d_p["weight"]
        x, d_x = x.reshape(n, -1), cache.d_x[:n].reshape(n, -1)
        if isinstance(d_W, OuterProducts):
            d_W.add(np.maximum(x, 0), d_y)                               # y = h W
            d_p["bias"] += d_y.sum(axis=0)                               # + b
            input_backward(d_y, p["weight"], d_W.inputs, d_x)            # y = h W
            shut(x.reshape(-1), d_x.reshape(-1))                         # h = max(x, 0)
        else:
            rectified_backward(x, p["weight"], d_y, d_W, d_p["bias"], d_x)
        return cache.d_x[:n]
