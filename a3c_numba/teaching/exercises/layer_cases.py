"""Cases of the exercises on layers; Dense, ReluDense, Conv2d and the LSTM's cell give the answers."""

from typing import Iterator

import numpy as np

from ...core.layers.base import Layer
from ...core.layers.conv2d import Conv2d
from ...core.layers.dense import Dense
from ...core.layers.lstm import cell_backward, cell_forward
from ...core.layers.relu_dense import ReluDense
from ...core.parameters import Parameters
from .case import Case

Rng = np.random.Generator

DENSE_HINTS = {
    "d_weight": "d_W = x^T d_y, summed over the n rows; weight[i, j] met x[t, i] and went into y[t, j]",
    "d_bias": "the bias was added to every row, so its gradient is the sum over the rows (axis 0)",
    "d_x": "d_x = d_y W^T: x[t, i] went into all y[t, j], by weight[i, j]",
}
RECTIFIED_HINTS = {
    "d_weight": "the weights met h = max(x, 0), not x",
    "d_bias": "the ReLU changes nothing for the bias: the sum of d_y over the rows",
    "d_x": "(d_y W^T) where x > 0, and 0 elsewhere, also where x is 0",
}
CONV_HINTS = {
    "d_weight": "P^T d_y, with d_y as a matrix of h w rows, and P from patches_of",
    "d_bias": "the bias was added at every position: the sum over rows and columns",
    "d_x": "d_P = d_y W^T, each of its rows shaped (k, k, C) and added (+=) where patches_of cut it out",
}
LSTM_HINTS = {
    "d_z_i": "c = ... + i g: the whole gradient of c, d_c + d_h o (1 - tanh(c)^2), times g, then i (1 - i)",
    "d_z_f": "c = f c_before + ...: the whole gradient of c, times c_before, then f (1 - f)",
    "d_z_o": "h = o tanh(c): d_h tanh(c), then o (1 - o); the gradient of c has no part in it",
    "d_z_g": "c = ... + i g: the whole gradient of c, times i, then the derivative of tanh, 1 - g^2",
    "d_c_before": "c = f c_before + ...: the whole gradient of c, times f",
}


def _layer_backward(layer: Layer[np.ndarray], weight: np.ndarray, x: np.ndarray,
                    d_y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradients of the package's layer for n rows; its bias is 0."""
    p, d_p = (Parameters(layer.shapes, dtype=np.float64) for _ in range(2))
    p.tree["weight"][:] = weight
    cache = layer.cache(len(x), np.float64)
    layer.forward(p.tree, x, cache, slice(0, len(x)))
    d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y)
    return {"d_weight": d_p.tree["weight"], "d_bias": d_p.tree["bias"], "d_x": d_x}


def dense(rng: Rng) -> Iterator[Case]:
    """Yield exercise 1: small whole numbers, zeros at the ReLU, a square weight, single rows and columns."""
    small = np.array([[1.0, 2], [3, -1]]), np.array([[1.0, 0, 2], [-1, 3, 1]]), np.array([[1.0, 2, 0], [0, -1, 4]])
    drawn = [tuple(rng.normal(size=shape).round(2) for shape in ((n, I), (I, O), (n, O)))
             for n, I, O in [(3, 3, 3), (1, 4, 2), (5, 1, 3), (4, 6, 1)]]
    corner = np.array([[0.0, 2, -1], [1, -3, 0]]), rng.normal(size=(3, 2)).round(2), rng.normal(size=(2, 2)).round(2)
    for function, kind, hints in (("dense_backward", Dense, DENSE_HINTS),
                                  ("rectified_dense_backward", ReluDense, RECTIFIED_HINTS)):
        for x, weight, d_y in (small, corner, *drawn):
            expected = _layer_backward(kind(*weight.shape), weight, x, d_y)
            yield Case(function, {"x": x, "weight": weight, "d_y": d_y}, expected, hints)


def conv2d(rng: Rng) -> Iterator[Case]:
    """Yield exercise 2: patches that overlap, that touch, that miss a border, and one of the whole image."""
    for H, W, C, O, k, stride in [(3, 3, 1, 1, 2, 1), (4, 6, 2, 3, 2, 2), (7, 6, 2, 3, 3, 2), (5, 5, 3, 2, 5, 1),
                                  (6, 7, 1, 2, 1, 3)]:
        layer = Conv2d((H, W, C), O, k, stride)
        x, weight, d_y = (rng.integers(-3, 4, size=shape).astype(float)
                          for shape in ((H, W, C), layer.shapes["weight"], layer.output_shape))
        expected = _layer_backward(layer, weight, x[None], d_y[None])
        arguments = {"x": x, "weight": weight, "d_y": d_y, "k": k, "stride": stride}
        yield Case("conv2d_backward", arguments, expected | {"d_x": expected["d_x"][0]}, CONV_HINTS)


def lstm(rng: Rng) -> Iterator[Case]:
    """Yield exercise 8: one cell by hand; several cells; the last step, whose d_c is 0."""
    by_hand = np.array([0, -0.5, 0.5, 0.5]), np.array([[2.0], [1.0], [0.5]])
    drawn = [(np.tanh(rng.normal(size=4 * n)).round(2), rng.normal(size=(3, n)).round(2)) for n in (3, 4, 2)]
    drawn[-1][1][2] = 0
    for gates, (c_before, d_h, d_c) in (by_hand, *drawn):
        n = len(c_before)
        c = np.zeros(n)
        cell_forward(gates, c_before, c)
        d_z, d_c_before = np.zeros(4 * n), d_c.copy()
        cell_backward(gates, c_before, np.tanh(c), d_h, d_c_before, d_z)
        arguments = {"gates": gates, "c_before": c_before, "c": c, "d_h": d_h, "d_c": d_c}
        expected = dict(zip(LSTM_HINTS, (*np.split(d_z, 4), d_c_before)))
        yield Case("lstm_cell_backward", arguments, expected, LSTM_HINTS)
