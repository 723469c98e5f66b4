"""Long short-term memory (Hochreiter and Schmidhuber 1997), with the forget gate of Gers et al. (2000).

For the rows x_1 .. x_T (T, I) of one rollout, in the order of time, weight W (I + n, 4 n) and bias b (4 n,):

    [i f o g] = [x_t h_{t-1}] W + b         i, f, o through the logistic function, g through tanh
    c_t = f c_{t-1} + i g                   the cell state
    h_t = o tanh(c_t)                       the output y_t

Backwards through time, d_h_t = d_y_t + (d_h from row t + 1), likewise d_c_t:

    d_c += d_h o (1 - tanh(c_t)^2)
    d_o  = d_h tanh(c_t)    d_i = d_c g    d_g = d_c i    d_f = d_c c_{t-1}
    d_z  = each of these times the derivative of its gate:  s (1 - s) for the logistic, 1 - g^2 for tanh
    d_c_{t-1} = d_c f       [d_x_t  d_h_{t-1}] = d_z W^T
    d_W += [x h]^T d_z      d_b += sum over rows of d_z

The state before row 0 is a constant: the gradient stops at the start of the rollout, as in the paper.

The paper does not give the initial weights.  Here they are uniform in +-1/sqrt(I + n), like the fan-in rule of the
other layers, and b_f = 1, so that the cells remember longer (Jozefowicz et al. 2015).
"""

import numpy as np
import numpy.typing as npt

from ..gradient import LARGE, OuterProducts
from ..kernel import kernel
from ..parameters import Shape, Tree
from .base import Cache, Layer
from .initializers import fan_in_uniform
from .relu_dense import input_backward


@kernel
def add_product(x, weight, y):
    """Add x (I,) weight (I, O) to y (O,).  Rows of weight are not read if x is zero, as half of it is after a ReLU."""
    for i in range(len(weight)):
        if x[i] != 0:
            for j in range(len(y)):
                y[j] += x[i] * weight[i, j]


@kernel
def add_outer_products(x, d_y, d_weight):
    """Add x^T d_y to d_weight (I, O), for x (n, I) and d_y (n, O)."""
    for i in range(len(d_weight)):
        for t in range(len(x)):
            if x[t, i] != 0:
                for j in range(d_weight.shape[1]):
                    d_weight[i, j] += x[t, i] * d_y[t, j]                # y[t, j] += x[t, i] * weight[i, j]


@kernel
def cell_forward(z, c_before, c):
    """Turn z (4 n,), hyperbolic tangents, into the gates [i f o g], and set c (n,) to the cell state after this row."""
    n = len(c)
    for k in range(3 * n):
        z[k] = (1 + z[k]) / 2
    for k in range(n):
        c[k] = z[n + k] * c_before[k] + z[k] * z[3 * n + k]              # c = f c_before + i g


@kernel
def cell_backward(gates, c_before, tanh_c, d_h, d_c, d_z):
    """Set d_z (4 n,) to the gradient of this row, and turn d_c (n,) from the gradient of c into that of c_before."""
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

    gates, d_z: (rows, 4 n).  tanh_c: (rows, n).  d_h, d_c: (n,), carried from row t + 1 to row t by backward.
    numbers: 0, 1, 2 ...
    """

    def __init__(self, inputs: int, cells: int, rows: int, dtype: npt.DTypeLike) -> None:
        super().__init__((inputs,), (cells,), rows, dtype)
        self.h, self.c = np.zeros((rows + 1, cells), dtype), np.zeros((rows + 1, cells), dtype)
        self.y = self.h[1:]
        self.states = (self.h, self.c)
        self.gates, self.d_z = np.zeros((rows, 4 * cells), dtype), np.zeros((rows, 4 * cells), dtype)
        self.tanh_c = np.zeros((rows, cells), dtype)
        self.d_h, self.d_c = np.zeros(cells, dtype), np.zeros(cells, dtype)
        self.numbers = np.arange(max(inputs, cells))


class LSTM(Layer[np.ndarray]):
    """A layer of ``cells`` LSTM cells; its rows are in the order of time, from the state before the first."""

    def __init__(self, inputs: int, cells: int) -> None:
        self.inputs, self.cells = inputs, cells
        self.input_shape: Shape = (inputs,)
        self.output_shape: Shape = (cells,)
        self.shapes: dict[str, Shape] = {"weight": (inputs + cells, 4 * cells), "bias": (4 * cells,)}
        self.factored = ("weight",) if (inputs + cells) * 4 * cells >= LARGE else ()

    def init(self, p: Tree, rng: np.random.Generator) -> None:
        fan_in_uniform(p["weight"], p["bias"], rng)
        p["bias"][self.cells:2 * self.cells] = 1                         # the forget gates start open

    def cache(self, rows: int, dtype: npt.DTypeLike) -> LSTMCache:
        return LSTMCache(self.inputs, self.cells, rows, dtype)

    def forward(self, p: Tree, x: np.ndarray, cache: LSTMCache, rows: slice) -> np.ndarray:
        from_x, from_h = p["weight"][:self.inputs], p["weight"][self.inputs:]
        for row, t in zip(x, range(rows.start, rows.stop)):
            z, tanh_c = cache.gates[t], cache.tanh_c[t]
            z[:] = p["bias"]                                             # z = b
            add_product(row, from_x, z)                                  # + x W_x
            add_product(cache.h[t], from_h, z)                           # + h_{t-1} W_h
            z[:3 * self.cells] /= 2                                      # 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2
            cell_forward(np.tanh(z, out=z), cache.c[t], cache.c[t + 1])
            np.tanh(cache.c[t + 1], out=tanh_c)
            np.multiply(z[2 * self.cells:3 * self.cells], tanh_c, out=cache.h[t + 1])    # h = o tanh(c)
        return cache.y[rows]

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: LSTMCache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray | None:
        from_x, from_h = p["weight"][:self.inputs], p["weight"][self.inputs:]
        n, d_W, d_h, d_c = len(x), d_p["weight"], cache.d_h, cache.d_c
        d_h[:], d_c[:] = 0, 0                                            # no gradient from after the rollout
        for t in reversed(range(n)):
            d_h += d_y[t]
            cell_backward(cache.gates[t], cache.c[t], cache.tanh_c[t], d_h, d_c, cache.d_z[t])
            input_backward(cache.d_z[t:t + 1], from_h, cache.numbers[:self.cells], d_h[None])    # z = ... + h_{t-1} W_h
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
        input_backward(d_z, from_x, cache.numbers[:self.inputs], d_x)    # z = ... + x W_x
        return d_x
