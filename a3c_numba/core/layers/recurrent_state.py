"""The state of a network's recurrent layers, row by row: what a rollout starts from and hands to the next."""

import numpy as np
import numpy.typing as npt

from .base import Cache, Memory


def layer_caches(cache: Memory) -> list[Cache]:
    """Return the cache of every layer in a tree of caches, in order."""
    if not isinstance(cache, list):
        return [cache]
    return [layer_cache for child in cache for layer_cache in layer_caches(child)]


class RecurrentState:
    """The state of all recurrent layers of a cache, as one vector per row; of size 0 if there are none."""

    def __init__(self, cache: Memory) -> None:
        self._states = [state for layer_cache in layer_caches(cache) for state in layer_cache.states]
        self.size = sum(state.shape[1] for state in self._states)

    def read(self, t: int) -> np.ndarray:
        """Return a copy (size,) of the state before row t."""
        return np.concatenate([state[t] for state in self._states]) if self._states else np.empty(0, np.float32)

    def write(self, t: int, values: npt.ArrayLike) -> None:
        """Set the state before row t to ``values`` (size,), or to one number."""
        cuts = np.cumsum([state.shape[1] for state in self._states])[:-1]
        for state, part in zip(self._states, np.split(np.broadcast_to(values, self.size), cuts)):
            state[t] = part

    def move(self, t: int) -> None:
        """Copy the state before row t to the state before row 0."""
        for state in self._states:
            state[0] = state[t]
