"""Policies: what the network's numbers for a state say about the action, and its gradients where there are any.

All of them have ``width`` (numbers the network gives for one state), ``action_shape`` and ``action_dtype``, and

    sample(row, rng) -> action        best(rows) -> actions        executed(action) -> what env.step is given
    entropy(rows) -> mean, in nats    look(row) -> shares from 0 to 1, for people
    anneal(global_step), for what changes in the course of a run

``Categorical`` and ``Gaussian`` have the loss of a policy gradient, ``loss`` and ``loss_gradient``, too.
"""

from typing import Any

from gymnasium.spaces import Box

from .categorical import Categorical
from .epsilon_greedy import EpsilonGreedy
from .gaussian import Gaussian


def stochastic_policy(action_space: Any) -> Any:
    """A policy with a gradient: Gaussian over a Box, Categorical over Discrete actions."""
    if isinstance(action_space, Box):
        return Gaussian(action_space.low, action_space.high)
    return Categorical(int(action_space.n))


__all__ = ["Categorical", "EpsilonGreedy", "Gaussian", "stochastic_policy"]
