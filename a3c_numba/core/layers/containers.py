"""Layers put together: one after the other, and side by side.

    Chain   y = f_m( ... f_2(f_1(x)))       d_x = f_1' (f_2' (... f_m' d_y))    backward is forward, reversed
    Fork    y = (f_1(x), ..., f_m(x))       d_x = sum_i f_i' d_y_i              what branches forwards, adds backwards

A network is a Chain that ends in a Fork of heads; a branch of a Fork may be a Chain again.  They own no numbers:
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
        """The last layer's."""
        return self[-1].y


class ForkCache(list[Any]):
    """The caches of a fork's branches, in order."""

    @property
    def y(self) -> tuple[Any, ...]:
        """One for each branch."""
        return tuple(branch.y for branch in self)


def memories(cache: Any) -> list[Cache]:
    """Every layer's cache in a tree of them, in order."""
    return [memory for child in cache for memory in memories(child)] if isinstance(cache, list) else [cache]


class RecurrentState:
    """What all recurrent layers of a cache remember, as one vector per row; of size 0 where there are none."""

    def __init__(self, cache: Any) -> None:
        self._states = [state for memory in memories(cache) for state in memory.states]
        self.size = sum(state.shape[1] for state in self._states)

    def read(self, t: int) -> np.ndarray:
        """A copy (size,) of the state before row t."""
        return np.concatenate([state[t] for state in self._states]) if self._states else np.empty(0, np.float32)

    def write(self, t: int, values: Any) -> None:
        """Make ``values`` (size,), or one number for all, the state before row t."""
        cuts = np.cumsum([state.shape[1] for state in self._states])[:-1]
        for state, part in zip(self._states, np.split(np.broadcast_to(values, self.size), cuts)):
            state[t] = part

    def move(self, t: int) -> None:
        """The state before row t becomes the state before row 0."""
        for state in self._states:
            state[0] = state[t]


class _Composed:
    """Named layers; those without parameters have no place in the tree of parameters."""

    def __init__(self, **layers: Any) -> None:
        self.layers: Layers = layers
        self.shapes = {name: layer.shapes for name, layer in layers.items() if layer.shapes}
        self.factored = tuple(f"{name}.{each}" for name, layer in layers.items() for each in layer.factored)

    def init(self, p: Any, rng: np.random.Generator) -> None:
        """Initialise every layer, in order."""
        for name in self.shapes:
            self.layers[name].init(p[name], rng)


class Chain(_Composed):
    """Layer after layer; each layer's y is the next one's x."""

    def __init__(self, **layers: Any) -> None:
        super().__init__(**layers)
        self.input_shape = next(iter(layers.values())).input_shape
        self.output_shape = next(reversed(layers.values())).output_shape
        self.lowest = next((i for i, name in enumerate(layers) if name in self.shapes), len(layers))

    def cache(self, rows: int, dtype: Any) -> ChainCache:
        """Room for ``rows`` rows of every layer."""
        return ChainCache(layer.cache(rows, dtype) for layer in self.layers.values())

    def forward(self, p: Any, x: np.ndarray, cache: Any, rows: slice) -> Any:
        """x (n, ...) -> y of the last layer; writes ``rows`` of every cache."""
        for (name, layer), memory in zip(self.layers.items(), cache):
            x = layer.forward(p.get(name), x, memory, rows)
        return x

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed = None) -> tuple[Any, Changed]:
        """x (rows, ...) -> y of row t alone: see ``Layer.step``."""
        for (name, layer), memory in zip(self.layers.items(), cache):
            y, changed = layer.step(p.get(name), x, memory, t, changed)
            x = memory.y
        return y, changed

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Any, d_y: Any, input_gradient: bool = True) -> Any:
        """d_y -> d_x over rows 0 .. n - 1 of the cache; adds to d_p.

        Without ``input_gradient`` the way down ends at the lowest layer that has parameters, and returns None.
        """
        names, layers, n = list(self.layers), list(self.layers.values()), len(x)
        p, d_p = p or {}, d_p or {}
        for i in reversed(range(0 if input_gradient else self.lowest, len(layers))):
            below = cache[i - 1].y[:n] if i else x
            wanted = input_gradient or i > self.lowest
            d_y = layers[i].backward(p.get(names[i]), d_p.get(names[i]), below, cache[i], d_y, wanted)
        return d_y


class Fork(_Composed):
    """Layers side by side on the same x."""

    def __init__(self, **layers: Any) -> None:
        super().__init__(**layers)
        self.input_shape = next(iter(layers.values())).input_shape
        self.output_shape = tuple(layer.output_shape for layer in layers.values())

    def cache(self, rows: int, dtype: Any) -> ForkCache:
        """Room for ``rows`` rows of every branch."""
        return ForkCache(layer.cache(rows, dtype) for layer in self.layers.values())

    def forward(self, p: Any, x: np.ndarray, cache: Any, rows: slice) -> tuple[Any, ...]:
        """x (n, ...) -> the y of every branch."""
        branches = zip(self.layers.items(), cache)
        return tuple(layer.forward(p.get(name), x, memory, rows) for (name, layer), memory in branches)

    def step(self, p: Any, x: np.ndarray, cache: Any, t: int, changed: Changed = None) -> tuple[Any, Changed]:
        """x (rows, ...) -> the y of every branch, of row t alone: see ``Layer.step``."""
        branches = zip(self.layers.items(), cache)
        return tuple(layer.step(p.get(name), x, memory, t, changed)[0] for (name, layer), memory in branches), None

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Any, d_y: Any, input_gradient: bool = True) -> Any:
        """One d_y a branch -> the sum of their d_x; adds to d_p."""
        total = None
        for (name, layer), memory, d in zip(self.layers.items(), cache, d_y):
            d_x = layer.backward(p.get(name), d_p.get(name), x, memory, d, input_gradient)
            if total is not None and input_gradient:
                total += d_x                                             # x went into every branch
            else:
                total = d_x
        return total
