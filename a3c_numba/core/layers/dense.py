"""A fully connected layer.

For rows x (n, I), weight W (I, O), bias b (O,):

    y = x W + b
    d_W += x^T d_y        d_b += sum over rows of d_y        d_x = d_y W^T

A ReLU and the dense layer above it are one layer, ``ReluDense`` (relu_dense.py): the same sums, without the zeros.
"""

import numpy as np

from ..parameters import Shape, Tree
from .base import Cache, Layer
from .initializers import Initializer, fan_in_uniform


class Dense(Layer[np.ndarray]):
    """y = x W + b, with numpy's matrix product."""

    def __init__(self, inputs: int, outputs: int, initialize: Initializer = fan_in_uniform) -> None:
        self.input_shape: Shape = (inputs,)
        self.output_shape: Shape = (outputs,)
        self.shapes: dict[str, Shape] = {"weight": (inputs, outputs), "bias": (outputs,)}
        self.initialize = initialize

    def init(self, p: Tree, rng: np.random.Generator) -> None:
        self.initialize(p["weight"], p["bias"], rng)

    def forward(self, p: Tree, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        y = cache.y[rows]
        np.matmul(x, p["weight"], out=y)                                 # y = x W
        y += p["bias"]                                                   # + b
        return y

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray | None:
        d_p["weight"] += x.T @ d_y                                       # y = x W
        d_p["bias"] += d_y.sum(axis=0)                                   # + b
        return np.matmul(d_y, p["weight"].T, out=cache.d_x[:len(x)]) if input_gradient else None
