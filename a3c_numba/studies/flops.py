"""How many floating-point operations an agent step takes: what ``bench`` holds its time against.

Counted are the multiply-adds (2 operations each) that the method needs in the convolutions, the dense layers and the
LSTM's sums, per step of a rollout of full length T:

    forward           1 for each step, and 1 / T more for s_T: where V is bootstrapped from the worker's own network, or
                      (Sarsa) the next action is drawn there
    target network    a forward pass for each state that the targets ask for: 1 for one-step methods, 1 / T for n-step
                      Q; with an LSTM all T + 1 states of the rollout, since the later ones depend on the earlier
    backward          dW of every layer, dX of all but the lowest; an LSTM's dX holds the gradient back through time

Nothing is counted for element-wise work (ReLU, the LSTM's gates), for the update, for copies of theta, or for the
preprocessing of the picture.
"""

from math import prod
from typing import Any, Iterator

from ..config import Config
from ..core.layers.containers import Chain, Fork
from ..core.layers.lstm import LSTM


def operations(config: Config) -> float:
    """Floating-point operations of one agent step, as the module counts them."""
    network, algorithm = config.build_network(config.make_env()), config.algorithm
    forward, backward, T = 0, 0, algorithm.update_steps
    for layer, lowest in _layers(network):
        products = 2 * prod(layer.shapes["weight"]) * prod(layer.output_shape[:-1])
        forward += products
        backward += products * (1 if lowest else 2)                      # the observation needs no gradient
    rows = T + (algorithm.chooses_ahead or not algorithm.uses_target)
    if algorithm.uses_target:
        remembers = any(isinstance(layer, LSTM) for layer, _ in _layers(network))
        rows += T + 1 - (0 if remembers else algorithm.first_bootstrap(T))
    return forward * rows / T + backward


def _layers(layer: Any, lowest: bool = True) -> Iterator[tuple[Any, bool]]:
    """Every layer with parameters in a tree of them, and whether it is the lowest, whose input is the observation."""
    if not isinstance(layer, (Chain, Fork)):
        yield layer, lowest
        return
    for child in layer.layers.values():
        if child.shapes:
            yield from _layers(child, lowest)
            lowest = lowest and isinstance(layer, Fork)                  # branches have the same input
