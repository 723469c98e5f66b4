"""Containers of layers: Chain (one after the other) and Fork (side by side).

    Chain   y = f_m( ... f_2(f_1(x)))     d_x = J_1^T (J_2^T (... J_m^T d_y))    backward is forward, reversed
    Fork    y = (f_1(x), ..., f_m(x))     d_x = sum_i J_i^T d_y_i                what branches forwards, adds backwards

J_i is the Jacobian of f_i; no layer computes it, each computes its product J_i^T d_y.
A network is a Chain that ends in a Fork of heads; a branch of a Fork may be a Chain.  Containers own no numbers:
parameters and caches are trees of the same shape as the network.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..parameters import Tree
from .base import Changed, Layer, Memory, Y
from .similar_images import forward_images

NONE: Tree = {}                # the parameters of a layer without parameters


class Caches(list[Memory]):
    """The caches of a container's layers, in order; ``y`` is that of the last layer, or a tuple of all branches'."""

    y: Any


class _Composed(Layer[Y]):
    """Named layers; a layer without parameters has no entry in the tree of parameters."""

    def __init__(self, **layers: Layer[Any]) -> None:
        self.layers = layers
        self.shapes = {name: layer.shapes for name, layer in layers.items() if layer.shapes}
        self.factored = tuple(f"{name}.{each}" for name, layer in layers.items() for each in layer.factored)
        self.input_shape = next(iter(layers.values())).input_shape

    def init(self, p: Tree, rng: np.random.Generator) -> None:
        for name in self.shapes:
            self.layers[name].init(p[name], rng)


class Chain(_Composed[Any]):
    """Layers in sequence; the y of each layer is the x of the next."""

    def __init__(self, **layers: Layer[Any]) -> None:
        super().__init__(**layers)
        self.output_shape = next(reversed(layers.values())).output_shape
        self.lowest = next((i for i, name in enumerate(layers) if name in self.shapes), len(layers))

    def cache(self, rows: int, dtype: npt.DTypeLike) -> Caches:
        caches = Caches(layer.cache(rows, dtype) for layer in self.layers.values())
        caches.y = caches[-1].y
        return caches

    def forward(self, p: Tree, x: np.ndarray, cache: Caches, rows: slice) -> Any:
        first = forward_images(self.layers, p, x, cache) if rows.start == 0 and len(x) > 1 else 0
        x = cache[first - 1].y[rows] if first else x
        for (name, layer), layer_cache in list(zip(self.layers.items(), cache))[first:]:
            x = layer.forward(p.get(name, NONE), x, layer_cache, rows)
        return x

    def step(self, p: Tree, x: np.ndarray, cache: Caches, t: int, changed: Changed = None) -> tuple[Any, Changed]:
        for (name, layer), layer_cache in zip(self.layers.items(), cache):
            y, changed = layer.step(p.get(name, NONE), x, layer_cache, t, changed)
            x = layer_cache.y
        return y, changed

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Caches, d_y: Any,
                 input_gradient: bool = True) -> np.ndarray | None:
        """Compute d_x from d_y, last layer first; without ``input_gradient`` down to the lowest with parameters."""
        names, layers, n = list(self.layers), list(self.layers.values()), len(x)
        for i in reversed(range(0 if input_gradient else self.lowest, len(layers))):
            below = cache[i - 1].y[:n] if i else x
            wanted = input_gradient or i > self.lowest
            d_y = layers[i].backward(p.get(names[i], NONE), d_p.get(names[i], NONE), below, cache[i], d_y, wanted)
        return d_y


class Fork(_Composed[tuple[Any, ...]]):
    """Layers side by side, all with the same x; ``output_shape`` has one shape for each."""

    output_shape: Any

    def __init__(self, **layers: Layer[Any]) -> None:
        super().__init__(**layers)
        self.output_shape = tuple(layer.output_shape for layer in layers.values())

    def cache(self, rows: int, dtype: npt.DTypeLike) -> Caches:
        caches = Caches(layer.cache(rows, dtype) for layer in self.layers.values())
        caches.y = tuple(branch.y for branch in caches)
        return caches

    def forward(self, p: Tree, x: np.ndarray, cache: Caches, rows: slice) -> tuple[Any, ...]:
        branches = zip(self.layers.items(), cache)
        return tuple(layer.forward(p.get(name, NONE), x, layer_cache, rows) for (name, layer), layer_cache in branches)

    def step(self, p: Tree, x: np.ndarray, cache: Caches, t: int,
             changed: Changed = None) -> tuple[tuple[Any, ...], Changed]:
        branches = zip(self.layers.items(), cache)
        return tuple(layer.step(p.get(name, NONE), x, layer_cache, t, changed)[0] for (name, layer), layer_cache
                     in branches), None

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Caches, d_y: tuple[Any, ...],
                 input_gradient: bool = True) -> np.ndarray | None:
        """Return the sum of the d_x of all branches, given one d_y for each."""
        total = None
        for (name, layer), layer_cache, d in zip(self.layers.items(), cache, d_y):
            d_x = layer.backward(p.get(name, NONE), d_p.get(name, NONE), x, layer_cache, d, input_gradient)
            if total is not None and input_gradient:
                total += d_x                                             # x is the input of every branch
            else:
                total = d_x
        return total
