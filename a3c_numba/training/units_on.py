"""The share of hidden units that are on: above 0, where a ReLU lets a gradient pass.

A unit that is off for every observation gets no gradient, so it stays off: it is dead.  Where a whole layer is dead,
the outputs are the same for all observations, and nothing below the layer learns any more.  Steps that are too large
can do it.
"""

from typing import Any, Iterator

import numpy as np

from ..core.layers.containers import Chain, Fork
from ..core.layers.relu import ReLU
from ..core.layers.relu_dense import ReluDense
from ..core.worker import Worker


def units_on(worker: Worker) -> float:
    """Return the share of the units that are on in the worker's latest rollout, of the layer with the fewest.

    nan if the network has no ReLU of this package.
    """
    steps = max(len(worker.outputs[0]) - 1, 1)                           # the last row may be stale
    layers = _rectified(worker.network, worker.collector.cache, np.empty(0))
    shares = [(units[:steps] > 0).mean() for units in layers if units.size]
    return float(min(shares, default=np.nan))


def _rectified(layer: Any, cache: Any, x: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the units (rows, ...) that each ReLU of a layer, or of a container's layers, is for; x is its input."""
    if isinstance(layer, Chain):
        for each, each_cache in zip(layer.layers.values(), cache):
            yield from _rectified(each, each_cache, x)
            x = each_cache.y
    elif isinstance(layer, Fork):
        for each, each_cache in zip(layer.layers.values(), cache):
            yield from _rectified(each, each_cache, x)
    elif isinstance(layer, ReLU):
        yield cache.y
    elif isinstance(layer, ReluDense):
        yield x
