"""Containers of layers: Chain (one after the other), Fork (side by side), and the state of recurrent layers.

    Chain   y = f_m( ... f_2(f_1(x)))       d_x = f_1' (f_2' (... f_m' d_y))    backward is forward, reversed
    Fork    y = (f_1(x), ..., f_m(x))       d_x = sum_i f_i' d_y_i              what branches forwards, adds backwards

A network is a Chain that ends in a Fork of heads; a branch of a Fork may be a Chain.  Containers own no numbers:
parameters and caches are trees of the same shape as the network.
"""

from typing import Any

import numpy as np

from .base import Cache, Changed

Layers = dict[str, Any]


class ChainCache(list[Any]):
    """The caches of a chain's layers, in order."""

    @property
    def y(self) -> Any:
        """Return the y of the last layer."""
        return self[-1].y


class ForkCache(list[Any]):
    """The caches of a fork's branches, in order."""

    @property
    def y(self) -> tuple[Any, ...]:
        """Return the y of each branch."""
        return tuple(branch.y for branch in self)


def layer_caches(cache: Any) -> list[Cache]:
    """Return the cache of every layer in a tree of caches, in order."""
    return [layer_cache for child in cache for layer_cache in layer_caches(child)] if isinstance(cache,
                                                                                                 list) else [cache]


class RecurrentState:
    """The state of all recurrent layers of a cache, as one vector per row; of size 0 if there are none."""

    def __init__(self, cache: Any) -> None:
        self._states = [state for layer_cache in layer_caches(cache) for state in layer_cache.states]
        self.size = sum(state.shape[1] for state in self._states)

    def read(self, t: int) -> np.ndarray:
        """Return a copy (size,) of the state before row t."""
        return np.concatenate([state[t] for state in self._states]) if self._states else np.empty(0, np.float32)

    def write(self, t: int, values: Any) -> None:
        """Set the state before row t to ``values`` (size,), or to one number."""
        cuts = np.cumsum([state.shape[1] for state in self._states])[:-1]
        for state, part in zip(self._states, np.split(np.broadcast_to(values, self.size), cuts)):
            state[t] = part

    def move(self, t: int) -> None:
        """Copy the state before row t to the state before row 0."""
        for state in self._states:
            state[0] = state[t]


class _Composed:
    """Named layers; a layer without parameters has no entry in the tree of parameters."""

    def __init__(self, **layers: Any) -> None:
        self.layers: Layers = layers
        self.shapes = {name: layer.shapes for name, layer in layers.items() if layer.shapes}
        self.factored = tuple(f"{name}.{each}" for name, layer in layers.items() for each in layer.factored)

    def init(self, p: Any, rng: np.random.Generator) -> None:
        """Initialise every layer, in order."""
        for name in self.shapes:
            self.layers[name].init(p[name], rng)


class Chain(_Composed):
    """Layers in sequence; the y of each layer is the x of the next."""

    def __init__(self, **layers: Any) -> None:
        super().__init__(**layers)
        self.input_shape = next(iter(layers.values())).input_shape
        self.output_shape = next(reversed(layers.values())).output_shape
        self.lowest = next((i for i, name in enumerate(layers) if name in self.shapes), len(layers))

    def cache(self, rows: int, dtype: Any) -> ChainCache:
        """Allocate ``rows`` rows for every layer."""
        return ChainCache(layer.cache(rows, dtype) for layer in self.layers.values())

    def forward(self, p: Any, x: np.ndarray, cache: Any, rows: slice) -> Any:
        """Compute the y of the last layer from x (n, ...); write ``rows`` of every cache."""
        for (name, layer), layer_cache in zip(self.layers.items(), cache):
            x = layer.forward(p.get(name), x, layer_cache, rows)
        return x

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed = None) -> tuple[Any, Changed]:
        """Compute y of row t alone from x (rows, ...): see ``Layer.step``."""
        for (name, layer), layer_cache in zip(self.layers.items(), cache):
            y, changed = layer.step(p.get(name), x, layer_cache, t, changed)
            x = layer_cache.y
        return y, changed

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Any, d_y: Any, input_gradient: bool = True) -> Any:
        """Compute d_x from d_y over rows 0 .. n - 1 of the cache; add to d_p.

        Without ``input_gradient`` stop at the lowest layer that has parameters, and return None.
        """
        names, layers, n = list(self.layers), list(self.layers.values()), len(x)
        p, d_p = p or {}, d_p or {}
        for i in reversed(range(0 if input_gradient else self.lowest, len(layers))):
            below = cache[i - 1].y[:n] if i else x
            wanted = input_gradient or i > self.lowest
            d_y = layers[i].backward(p.get(names[i]), d_p.get(names[i]), below, cache[i], d_y, wanted)
        return d_y


class Fork(_Composed):
    """Layers side by side, all with the same x."""

    def __init__(self, **layers: Any) -> None:
        super().__init__(**layers)
        self.input_shape = next(iter(layers.values())).input_shape
        self.output_shape = tuple(layer.output_shape for layer in layers.values())

    def cache(self, rows: int, dtype: Any) -> ForkCache:
        """Allocate ``rows`` rows for every branch."""
        return ForkCache(layer.cache(rows, dtype) for layer in self.layers.values())

    def forward(self, p: Any, x: np.ndarray, cache: Any, rows: slice) -> tuple[Any, ...]:
        """Compute the y of every branch from x (n, ...)."""
        branches = zip(self.layers.items(), cache)
        return tuple(layer.forward(p.get(name), x, layer_cache, rows) for (name, layer), layer_cache in branches)

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed = None) -> tuple[Any, Changed]:
        """Compute the y of every branch, of row t alone, from x (rows, ...): see ``Layer.step``."""
        branches = zip(self.layers.items(), cache)
        return tuple(layer.step(p.get(name), x, layer_cache, t, changed)[0] for (name, layer),
                     layer_cache in branches), None

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Any, d_y: Any, input_gradient: bool = True) -> Any:
        """Return the sum of the d_x of all branches, given one d_y per branch; add to d_p."""
        total = None
        for (name, layer), layer_cache, d in zip(self.layers.items(), cache, d_y):
            d_x = layer.backward(p.get(name), d_p.get(name), x, layer_cache, d, input_gradient)
            if total is not None and input_gradient:
                total += d_x                                             # x is the input of every branch
            else:
                total = d_x
        return total
