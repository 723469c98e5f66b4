"""What an agent looks at: how much its value and its choice would change with each number that it sees.

    |dV/dx|             if this pixel were a little brighter, how much better or worse would V say it stands
    |d log pi(a)/dx|    and how much more, or less, would it want the action that it took
    |d max_a Q/dx|      the same question to a value method, which has no pi of its own

Training stops the gradient at the first layer's weights: nobody wants dL/dx there, since x cannot be changed.  Here the
same backward pass goes one layer further, with ``input_gradient=True``, and is started not from the loss but from the
output that is asked about:

    V              d_outputs = 0 for the policy, 1 for the value
    log pi(a)      d_outputs = d log pi(a)/d rows for the policy, 0 for the value
    max_a Q        d_outputs = 1 for the best action, 0 for the others

The layer ``Pixels`` ends with d_x = d_y / 255, or / 128: the change for one grey level of 256.

A gradient says what a *small* change would do.  It is not what the agent would do without the ball, and where a ReLU is
shut it says nothing.
"""

from typing import Any, NamedTuple

import numpy as np

from ..core.layers.containers import RecurrentState
from ..core.parameters import Parameters

Outputs = tuple[np.ndarray, ...]


class Question(NamedTuple):
    """What is differentiated with respect to the observation."""

    name: str
    d_outputs: Outputs         # its derivative with respect to what the heads said, (1, width) each


def questions(policy: Any, outputs: Outputs, action: Any) -> list[Question]:
    """What can be asked about one row of ``outputs``, ``action`` having been taken."""
    if hasattr(policy, "loss_gradient"):
        minus_one = -np.ones(1, outputs[0].dtype)                        # -log pi(a) A = log pi(a) for A = -1
        actions = np.asarray(action, policy.action_dtype)[None]
        d_log_pi = policy.loss_gradient(outputs[0], actions, minus_one, 0.0)
        zeros = [np.zeros_like(output) for output in outputs]
        return [Question("V", (zeros[0], np.ones_like(outputs[1]))), Question("log pi(a)", (d_log_pi, zeros[1]))]
    best = np.zeros_like(outputs[0])
    best[0, outputs[0][0].argmax()] = 1
    return [Question("max Q", (best,))]


class Eye:
    """A network and its parameters, of any dtype, with all that is needed to ask for gradients of its input.

    A recurrent network's memory is carried from one ``look`` to the next, and held constant in every derivative.
    """

    def __init__(self, network: Any, policy: Any, theta: np.ndarray) -> None:
        self.network, self.policy = network, policy
        self.theta = Parameters(network.shapes, theta)
        self.unused = Parameters(network.shapes, dtype=theta.dtype)      # backward adds the weights' gradients to it
        self.cache = network.cache(1, theta.dtype)
        self.recurrent = RecurrentState(self.cache)
        self.begin()

    def begin(self) -> None:
        """A new episode: nothing is remembered."""
        self.recurrent.write(0, 0)

    def forward(self, obs: np.ndarray) -> Outputs:
        """What the heads say of one observation; its activations stay in ``cache`` until the next."""
        return self.network.forward(self.theta.tree, obs[None], self.cache, slice(0, 1))

    def gradient(self, obs: np.ndarray, d_outputs: Outputs) -> np.ndarray:
        """d_x of the shape of ``obs``, which the latest ``forward`` has seen; a new array."""
        d_x = self.network.backward(self.theta.tree, self.unused.tree, obs[None], self.cache, d_outputs,
                                    input_gradient=True)
        return d_x[0].copy()

    def look(self, obs: np.ndarray, action: Any) -> dict[str, np.ndarray]:
        """|d/dx| of each question about ``obs``, by the question's name; then the next observation may come."""
        asked = questions(self.policy, self.forward(obs), action)
        maps = {question.name: np.abs(self.gradient(obs, question.d_outputs)) for question in asked}
        self.recurrent.move(1)
        return maps


def activations(network: Any, cache: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """What every layer with weights made of the latest observation, by its dotted name; copies, before the ReLU."""
    found: dict[str, np.ndarray] = {}
    for (name, layer), memory in zip(network.layers.items(), cache):
        if hasattr(layer, "layers"):
            found |= activations(layer, memory, f"{prefix}{name}.")
        elif layer.shapes:
            found[prefix + name] = memory.y[0].copy()
    return found
