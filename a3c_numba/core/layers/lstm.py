"""Long short-term memory (Hochreiter and Schmidhuber 1997), with the forget gate of Gers et al. (2000).

For the rows x_1 .. x_T (T, I) of one rollout, in the order of time, weight W (I + n, 4 n) and bias b (4 n,):

    [i f o g] = [x_t h_{t-1}] W + b         i, f, o through the logistic function, g through tanh
    c_t = f c_{t-1} + i g                   what is remembered
    h_t = o tanh(c_t)                       what is put out: y_t

Backwards through time, d_h_t = d_y_t + (what came back from row t + 1), likewise d_c_t:

    d_c += d_h o (1 - tanh(c_t)^2)
    d_o  = d_h tanh(c_t)    d_i = d_c g    d_g = d_c i    d_f = d_c c_{t-1}
    d_z  = each of these times the derivative of its gate:  s (1 - s) for the logistic, 1 - g^2 for tanh
    d_c_{t-1} = d_c f       [d_x_t  d_h_{t-1}] = d_z W^T
    d_W += [x h]^T d_z      d_b += sum over rows of d_z

The state before row 0 is a constant: the gradient is cut at the rollout's start, as in the paper.

The paper does not say how the cells start.  Here weights are uniform in +-1/sqrt(I + n), as its other layers are in
+-1/sqrt(fan-in), and b_f = 1, so that a memory lasts (Jozefowicz et al. 2015).
"""

from typing import Any

import numpy as np

from ..gradient import LARGE, OuterProducts
from ..kernel import kernel
from .base import Cache, Layer, Shape
from .dense import input_backward
from .initializers import fan_in_uniform


@kernel
def add_product(x, weight, y):
    """y (O,) += x (I,) weight (I, O).  Behind a ReLU half of x is zero, and what it would multiply is not read."""
    for i in range(len(weight)):
        if x[i] != 0:
            for j in range(len(y)):
                y[j] += x[i] * weight[i, j]


@kernel
def add_outer_products(x, d_y, d_weight):
    """d_weight (I, O) += x^T d_y, for x (n, I) and d_y (n, O)."""
    for i in range(len(d_weight)):
        for t in range(len(x)):
            if x[t, i] != 0:
                for j in range(d_weight.shape[1]):
                    d_weight[i, j] += x[t, i] * d_y[t, j]                # y[t, j] += x[t, i] * weight[i, j]


@kernel
def before_tanh(z):
    """z (4 n,) <- what np.tanh has to be taken of:  1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2."""
    for k in range(3 * (len(z) // 4)):
        z[k] /= 2


@kernel
def cell_forward(z, c_before, c):
    """z (4 n,): hyperbolic tangents in, gates [i f o g] out; c (n,) <- what is remembered from this row on."""
    n = len(c)
    for k in range(3 * n):
        z[k] = (1 + z[k]) / 2
    for k in range(n):
        c[k] = z[n + k] * c_before[k] + z[k] * z[3 * n + k]              # c = f c_before + i g


@kernel
def cell_backward(gates, c_before, tanh_c, d_h, d_c, d_z):
    """d_z (4 n,) <- this row's; d_c (n,): of c in, of c_before out."""
    n = len(tanh_c)
    for k in range(n):
        i, f, o, g = gates[k], gates[n + k], gates[2 * n + k], gates[3 * n + k]
        d_c_k = d_c[k] + d_h[k] * o * (1 - tanh_c[k] * tanh_c[k])        # h = o tanh(c)
        d_z[2 * n + k] = d_h[k] * tanh_c[k] * o * (1 - o)                # h = o tanh(c)
        d_z[k] = d_c_k * g * i * (1 - i)                                 # c = f c_before + i g
        d_z[3 * n + k] = d_c_k * i * (1 - g * g)                         # c = f c_before + i g
        d_z[n + k] = d_c_k * c_before[k] * f * (1 - f)                   # c = f c_before + i g
        d_c[k] = d_c_k * f                                               # c = f c_before + i g


class LSTMCache(Cache):
    """The state before row t is row t of ``h`` and ``c`` (rows + 1, n); row t writes row t + 1.

    gates, d_z: (rows, 4 n).  tanh_c: (rows, n).  d_h, d_c: (n,), on their way back through time.
    """

    def __init__(self, inputs: int, cells: int, rows: int, dtype: Any) -> None:
        super().__init__((inputs,), (cells,), rows, dtype)
        self.h, self.c = np.zeros((rows + 1, cells), dtype), np.zeros((rows + 1, cells), dtype)
        self.y = self.h[1:]
        self.states = (self.h, self.c)
        self.gates, self.d_z = np.zeros((rows, 4 * cells), dtype), np.zeros((rows, 4 * cells), dtype)
        self.tanh_c = np.zeros((rows, cells), dtype)
        self.d_h, self.d_c = np.zeros(cells, dtype), np.zeros(cells, dtype)


class LSTM(Layer):
    """``cells`` cells over rows in the order of time."""

    def __init__(self, inputs: int, cells: int) -> None:
        self.inputs, self.cells = inputs, cells
        self.input_shape: Shape = (inputs,)
        self.output_shape: Shape = (cells,)
        self.shapes = {"weight": (inputs + cells, 4 * cells), "bias": (4 * cells,)}
        self.factored = ("weight",) if (inputs + cells) * 4 * cells >= LARGE else ()

    def init(self, p: Any, rng: np.random.Generator) -> None:
        """Draw weight and bias, in place; the forget gates start open."""
        fan_in_uniform(p["weight"], p["bias"], rng)
        p["bias"][self.cells:2 * self.cells] = 1

    def cache(self, rows: int, dtype: Any) -> LSTMCache:
        """Room for ``rows`` rows, and for the state before the first."""
        return LSTMCache(self.inputs, self.cells, rows, dtype)

    def forward(self, p: Any, x: np.ndarray, cache: LSTMCache, rows: slice) -> np.ndarray:
        """x (n, inputs) -> y (n, cells), a view of the cache, from the state that the row before left there."""
        from_x, from_h = p["weight"][:self.inputs], p["weight"][self.inputs:]
        for row, t in zip(x, range(rows.start, rows.stop)):
            z, tanh_c = cache.gates[t], cache.tanh_c[t]
            z[:] = p["bias"]                                             # z = b
            add_product(row, from_x, z)                                  # + x W_x
            add_product(cache.h[t], from_h, z)                           # + h_{t-1} W_h
            before_tanh(z)
            cell_forward(np.tanh(z, out=z), cache.c[t], cache.c[t + 1])
            np.tanh(cache.c[t + 1], out=tanh_c)
            np.multiply(z[2 * self.cells:3 * self.cells], tanh_c, out=cache.h[t + 1])    # h = o tanh(c)
        return cache.y[rows]

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: LSTMCache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray | None:
        """d_y (n, cells) -> d_x (n, inputs), if asked for; adds to d_p."""
        from_x, from_h = p["weight"][:self.inputs], p["weight"][self.inputs:]
        n, d_W, d_h, d_c = len(x), d_p["weight"], cache.d_h, cache.d_c
        d_h[:], d_c[:] = 0, 0                                            # nothing comes back from behind the rollout
        for t in reversed(range(n)):
            d_h += d_y[t]
            cell_backward(cache.gates[t], cache.c[t], cache.tanh_c[t], d_h, d_c, cache.d_z[t])
            input_backward(cache.d_z[t:t + 1], from_h, d_h[None])        # z = ... + h_{t-1} W_h
        d_z = cache.d_z[:n]
        if isinstance(d_W, OuterProducts):
            d_W.add(np.concatenate((x, cache.h[:n]), axis=1), d_z)       # z = [x h_{t-1}] W
        else:
            add_outer_products(cache.h[:n], d_z, d_W[self.inputs:])      # z = ... + h_{t-1} W_h
            add_outer_products(x, d_z, d_W[:self.inputs])                # z = ... + x W_x
        d_p["bias"] += d_z.sum(axis=0)                                   # z = b
        if not input_gradient:
            return None
        d_x = cache.d_x[:n]
        input_backward(d_z, from_x, d_x)                                 # z = ... + x W_x
        return d_x
