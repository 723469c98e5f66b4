"""Count the floating-point operations of an agent step; ``bench`` compares the measured time with them.

Counted are the multiply-adds (2 operations each) of the convolutions, the dense layers and the LSTM's matrix products,
per step of a rollout of full length T:

    forward           1 for each step, and 1 / T more for s_T if V is bootstrapped with the worker's own network, or
                      (Sarsa) the next action is drawn there
    target network    a forward pass for each state that the targets need: 1 for one-step methods, 1 / T for n-step
                      Q; with an LSTM all T + 1 states of the rollout, because later states depend on earlier ones
    backward          dW of every layer, dX of all but the lowest; an LSTM's dX includes the gradient through time

DQN acts with one forward pass for each step, and for each step that is drawn has two (theta, theta-) and one backward.

Element-wise operations (ReLU, the LSTM's gates), the update, copies of theta and preprocessing are not counted.
"""

from math import prod
from typing import Any, Iterator

from ..config import Config
from ..core.layers.containers import Chain, Fork
from ..core.layers.lstm import LSTM


def operations(config: Config) -> float:
    """Return the floating-point operations of one agent step."""
    network, algorithm = config.build_network(config.spaces), config.algorithm
    forward, backward, T = 0, 0, algorithm.rollout_length
    for layer, lowest in _layers(network):
        products = 2 * prod(layer.shapes["weight"]) * prod(layer.output_shape[:-1])
        forward += products
        backward += products * (1 if lowest else 2)                      # the observation needs no gradient
    if algorithm.uses_replay:
        drawn = algorithm.rows_per_update / T
        return forward * (1 + 2 * drawn) + backward * drawn
    rows = T + (algorithm.needs_next_action or not algorithm.uses_target_network)
    if algorithm.uses_target_network:
        remembers = any(isinstance(layer, LSTM) for layer, _ in _layers(network))
        rows += T + 1 - (0 if remembers else algorithm.first_target_row(T))
    return forward * rows / T + backward


def _layers(layer: Any, lowest: bool = True) -> Iterator[tuple[Any, bool]]:
    """Yield every layer with parameters in a tree of layers, and True if its input is the observation."""
    if not isinstance(layer, (Chain, Fork)):
        yield layer, lowest
        return
    for child in layer.layers.values():
        if child.shapes:
            yield from _layers(child, lowest)
            lowest = lowest and isinstance(layer, Fork)                  # branches have the same input
