"""Action distributions: what the network's outputs for a state mean for the action (base.py), and policy gradients."""

from gymnasium.spaces import Box

from .base import ActionSpace, DiscreteActions, Distribution, PolicyGradient
from .categorical import Categorical
from .epsilon_greedy import EpsilonGreedy
from .gaussian import Gaussian


def stochastic_policy(action_space: ActionSpace) -> Categorical | Gaussian:
    """Return a distribution with a policy gradient: Gaussian for a Box, Categorical for Discrete actions."""
    if isinstance(action_space, Box):
        return Gaussian(action_space.low, action_space.high)
    return Categorical(int(action_space.n))


__all__ = ["ActionSpace", "Categorical", "DiscreteActions", "Distribution", "EpsilonGreedy", "Gaussian",
           "PolicyGradient", "stochastic_policy"]
