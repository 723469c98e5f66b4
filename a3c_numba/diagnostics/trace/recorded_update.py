"""One update of a worker, with everything kept that flows through it: what ``trace`` prints.

The steps are the worker's own, those of ``Worker.update``; between them arrays are copied.  Only the network is
wrapped, while d theta is accumulated: each layer notes what its backward pass was given and what it handed down.
"""

from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple

import numpy as np

from ...core.layers.base import Layer, Memory, Outputs
from ...core.layers.containers import Chain, Fork
from ...core.parameters import Tree
from ...core.returns import Rollout
from ...core.rollout import Episode
from ...core.schedules import linear
from ...core.worker import Worker


class Pass(NamedTuple):
    """A layer's forward pass over the T rows of the rollout."""

    name: str
    layer: Layer
    x: np.ndarray
    y: np.ndarray


class Flow(NamedTuple):
    """A layer's backward pass; d_y is None for a fork, d_x if it was not asked for."""

    name: str
    layer: Layer
    x: np.ndarray
    d_y: np.ndarray | None
    d_x: np.ndarray | None


class Watched:
    """A layer that notes its backward pass in ``flows``; all else is the layer's own."""

    def __init__(self, name: str, layer: Layer, flows: list[Flow]) -> None:
        self.name, self.layer, self.flows = name, layer, flows
        self.shapes, self.input_shape, self.output_shape = layer.shapes, layer.input_shape, layer.output_shape
        self.factored = layer.factored

    def forward(self, p: Tree, x: np.ndarray, cache: Memory, rows: slice) -> Any:
        """The layer's."""
        return self.layer.forward(p, x, cache, rows)

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Memory, d_y: Any,
                 input_gradient: bool = True) -> np.ndarray | None:
        """The layer's; what is noted is copied, for a fork adds to its branches' d_x in place."""
        given = None if isinstance(d_y, tuple) else d_y.copy()
        d_x = self.layer.backward(p, d_p, x, cache, d_y, input_gradient)
        kept = None if d_x is None or not input_gradient else d_x.copy()
        self.flows.append(Flow(self.name, self.layer, x, given, kept))
        return d_x


def watched(layer: Layer, flows: list[Flow], name: str = "") -> Any:
    """``layer``, and every layer inside it, noting backward passes in ``flows``."""
    if not isinstance(layer, (Chain, Fork)):
        return Watched(name, layer, flows)
    inside = {key: watched(child, flows, f"{name}.{key}".lstrip(".")) for key, child in layer.layers.items()}
    return Chain(**inside) if isinstance(layer, Chain) else Watched(name, Fork(**inside), flows)


def passes(layer: Layer, cache: Memory, x: np.ndarray, name: str = "") -> Iterator[Pass]:
    """The forward passes of all layers, lowest first, read off the cache that they were written to."""
    if not isinstance(layer, (Chain, Fork)):
        yield Pass(name, layer, x, cache.y[:len(x)])
        return
    below = x
    for (key, child), layer_cache in zip(layer.layers.items(), cache):
        yield from passes(child, layer_cache, below, f"{name}.{key}".lstrip("."))
        if isinstance(layer, Chain) and isinstance(layer_cache.y, np.ndarray):
            below = layer_cache.y[:len(x)]                               # each layer's y is the next one's x


@dataclass
class Update:
    """One update.  The rollout and the passes are views of the worker's memory, valid until its next rollout.

    Attributes:
        step: T, agent steps before it.  progress: the share of the run that is over.  eta: the learning rate.
        outputs: of the heads, for the T + 1 observations; the last row is stale where a target network is used.
        target_outputs: what the targets are read off, of those observations (T + 1 rows).
        d_outputs: dL/d outputs, T rows.
        theta, statistics: (before, after) the update, each (n,).
        d_theta: (n,), before it was clipped.  norm: of d_theta, as the optimiser found it.
    """

    step: int
    progress: float
    eta: float
    rollout: Rollout
    episode: Episode | None
    outputs: Outputs
    target_outputs: Outputs
    returns: np.ndarray
    d_outputs: Outputs
    passes: list[Pass]
    flows: list[Flow]
    theta: tuple[np.ndarray, np.ndarray]
    statistics: tuple[np.ndarray, np.ndarray]
    d_theta: np.ndarray
    norm: float


def record(worker: Worker) -> Update:
    """Make one update with the worker's own steps; all that flows through them."""
    shared, network, flows = worker.shared, worker.network, list[Flow]()
    step = shared.global_step()
    rollout = worker.collect()
    returns = worker.targets(rollout)
    target_outputs = worker.target_outputs(rollout)                      # once more: the same numbers
    worker.network = watched(network, flows)
    d_outputs = worker.accumulate(rollout, returns)
    worker.network = network
    d_theta, theta, statistics = worker.d_theta.copy(), shared.theta.copy(), worker.statistics.copy()
    norm = worker.apply()
    worker.advance(rollout.length)
    eta = linear(worker.config.optimizer.learning_rate, 0, worker.progress)
    layers = list(passes(network, worker.collector.cache, rollout.obs[:rollout.length]))
    return Update(step, worker.progress, eta, rollout, worker.episode, worker.outputs, target_outputs, returns,
                  d_outputs, layers, flows, (theta, shared.theta.copy()), (statistics, worker.statistics.copy()),
                  d_theta, norm)
