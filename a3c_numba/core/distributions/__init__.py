"""Action distributions: what the network's outputs for a state mean for the action, and the policy gradients.

Each has ``width`` (network outputs per state), ``action_shape`` and ``action_dtype``, and

    sample(row, rng) -> action        best(rows) -> actions        executed(action) -> argument of env.step
    entropy(rows) -> mean, in nats    look(row) -> numbers from 0 to 1, for display
    anneal(global_step)               set the parameters that change during a run

``Categorical`` and ``Gaussian`` also have the loss of a policy gradient: ``loss`` and ``loss_gradient``.
"""

from typing import Any

from gymnasium.spaces import Box

from .categorical import Categorical
from .epsilon_greedy import EpsilonGreedy
from .gaussian import Gaussian


def stochastic_policy(action_space: Any) -> Any:
    """Return a distribution with a policy gradient: Gaussian for a Box, Categorical for Discrete actions."""
    if isinstance(action_space, Box):
        return Gaussian(action_space.low, action_space.high)
    return Categorical(int(action_space.n))


__all__ = ["Categorical", "EpsilonGreedy", "Gaussian", "stochastic_policy"]
