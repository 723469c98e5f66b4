"""Saliency: how much an agent's value and its action probability change with each number of the observation.

    |dV/dx|             by how much V changes if this pixel is a little brighter
    |d log pi(a)/dx|    by how much the log-probability of the chosen action changes
    |d max_a Q/dx|      the same for a value method, which has no pi

Training stops at the weights of the first layer, because dL/dx is not needed there.  Here the same backward pass goes
one layer further, with ``input_gradient=True``, and starts from one output instead of the loss:

    V              d_outputs = 0 for the policy, 1 for the value
    log pi(a)      d_outputs = d log pi(a)/d rows for the policy, 0 for the value
    max_a Q        d_outputs = 1 for the best action, 0 for the others

The input layer ends with d_x = d_y / 255, or / 128: the change for one grey level of 256.

A gradient is the effect of a *small* change.  It does not tell what the agent would do without the ball, and it is 0
along a path through a closed ReLU.
"""

from typing import Any

import numpy as np

from ..core.distributions import Distribution
from ..core.distributions.base import Action
from ..core.layers.base import Memory, Network, Outputs
from ..core.layers.containers import Chain, Fork
from ..core.layers.recurrent_state import RecurrentState
from ..core.parameters import Parameters


def questions(distribution: Distribution, outputs: Outputs, action: Action) -> dict[str, Outputs]:
    """Return the derivatives of V and log pi(a), or of max Q, with respect to the heads' outputs (1, width) each.

    ``action`` is the chosen one.
    """
    if hasattr(distribution, "loss_gradient"):
        minus_one = -np.ones(1, outputs[0].dtype)                        # -log pi(a) A = log pi(a) for A = -1
        actions = np.asarray(action, distribution.action_dtype)[None]
        d_log_pi = distribution.loss_gradient(outputs[0], actions, minus_one, 0.0)
        zeros = [np.zeros_like(output) for output in outputs]
        return {"V": (zeros[0], np.ones_like(outputs[1])), "log pi(a)": (d_log_pi, zeros[1])}
    best = np.zeros_like(outputs[0])
    best[0, outputs[0][0].argmax()] = 1
    return {"max Q": (best,)}


class Eye:
    """A network with parameters of any dtype, and the memory to compute gradients of its input.

    The state of a recurrent network is kept from one ``saliency_maps`` to the next, and is constant in every
    derivative.
    """

    def __init__(self, network: Network, distribution: Distribution, theta: np.ndarray) -> None:
        self.network, self.distribution = network, distribution
        self.theta = Parameters(network.shapes, theta)
        self.unused = Parameters(network.shapes, dtype=theta.dtype)      # backward adds the weights' gradients to it
        self.cache = network.cache(1, theta.dtype)
        self.recurrent = RecurrentState(self.cache)
        self.begin()

    def begin(self) -> None:
        """Begin an episode: set the recurrent state to 0."""
        self.recurrent.write(0, 0)

    def forward(self, obs: np.ndarray) -> Outputs:
        """Return the heads' outputs for one observation; its activations stay in ``cache`` until the next call."""
        return self.network.forward(self.theta.tree, obs[None], self.cache, slice(0, 1))

    def saliency_maps(self, obs: np.ndarray, action: Action) -> dict[str, np.ndarray]:
        """Return |d/dx| of each quantity at ``obs``, by its name; then advance the recurrent state."""
        maps: dict[str, np.ndarray] = {}
        for name, d_outputs in questions(self.distribution, self.forward(obs), action).items():
            d_x = self.network.backward(self.theta.tree, self.unused.tree, obs[None], self.cache, d_outputs)
            assert d_x is not None
            maps[name] = np.abs(d_x[0])
        self.recurrent.move(1)
        return maps


def activations(network: Any, cache: Memory, prefix: str = "") -> dict[str, np.ndarray]:
    """Return a copy of the output of every layer with weights, before the ReLU, by its dotted name."""
    found: dict[str, np.ndarray] = {}
    for (name, layer), layer_cache in zip(network.layers.items(), cache):
        if isinstance(layer, (Chain, Fork)):
            found |= activations(layer, layer_cache, f"{prefix}{name}.")
        elif layer.shapes:
            found[prefix + name] = layer_cache.y[0].copy()
    return found
