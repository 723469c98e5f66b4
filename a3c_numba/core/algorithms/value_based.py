"""The base class of the three value methods: an epsilon-greedy policy, a target network, and one loss.

    L = sum_t (R_t - Q(s_t, a_t))^2            dL/dQ(s_t, a_t) = -2 (R_t - Q(s_t, a_t)), 0 for the other actions

minimised, with the target R_t held constant.  R_t is computed with the target network theta-, a copy of theta that is
renewed every I_target steps.  The methods differ only in R_t (see their ``targets``).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Discrete

from ..distributions import ActionSpace, Distribution, EpsilonGreedy
from ..hyperparameters import hyperparameter
from ..layers.base import Outputs
from ..schedules import FinalEpsilons
from .base import Algorithm


@dataclass(frozen=True)
class ValueMethod(Algorithm):
    """Hyper-parameters of all value methods; the defaults are the paper's.  ``outputs`` are Q (n, actions) alone."""

    discount: float = hyperparameter(0.99, "gamma (the paper's)", at_least=0, at_most=1)
    clip_rewards: bool = hyperparameter(True, "clip rewards to [-1, 1] while training (the paper's, for Atari)")
    reward_scale: float = hyperparameter(1.0, "factor on rewards while training, after clipping (the paper's: none)",
                                         above=0)
    target_interval: int = hyperparameter(10_000, "I_target, agent steps between copies of theta to theta- "
                                          "(the paper's 40 000 frames)", at_least=1)
    exploration_steps: int = hyperparameter(1_000_000, "agent steps in which epsilon falls from 1 to its final value "
                                            "(the paper's 4 M frames)", at_least=1)
    final_epsilons: str = hyperparameter("0.1:0.4,0.01:0.3,0.5:0.3", "pairs final epsilon:probability; each worker "
                                         "draws one (the paper's)")
    evaluation_epsilon: float = hyperparameter(0.05, "epsilon of a trained agent that is not deterministic (Mnih et "
                                               "al. 2015)", at_least=0, at_most=1)

    uses_target_network: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Raise ValueError if ``final_epsilons`` cannot be read."""
        FinalEpsilons(self.final_epsilons)

    def heads(self, distribution: Distribution) -> dict[str, int]:
        return {"q": distribution.width}

    def _greedy(self, action_space: ActionSpace, epsilon: float) -> EpsilonGreedy:
        if not isinstance(action_space, Discrete):
            space = " ".join(str(action_space).split())
            raise ValueError(f"{type(self).__name__} needs Discrete actions; got {space}: use A3C")
        return EpsilonGreedy(int(action_space.n), epsilon, epsilon, self.exploration_steps)

    def behaviour_policy(self, action_space: ActionSpace, rng: np.random.Generator) -> EpsilonGreedy:
        return self._greedy(action_space, FinalEpsilons(self.final_epsilons).draw(rng))

    def evaluation_policy(self, action_space: ActionSpace) -> EpsilonGreedy:
        return self._greedy(action_space, self.evaluation_epsilon)

    def renews_target(self, before: int, after: int) -> bool:
        return before // self.target_interval != after // self.target_interval      # a multiple of I_target is crossed

    def advantages(self, returns: np.ndarray, outputs: Outputs) -> None:
        """Return None: in L only the targets are held constant."""

    def loss_gradient(self, distribution: Distribution, actions: np.ndarray, returns: np.ndarray, outputs: Outputs,
                      progress: float = 0.0) -> Outputs:
        q, taken = outputs[0], (np.arange(len(actions)), actions)
        d_q = np.zeros_like(q)
        d_q[taken] = -2 * (returns - q[taken])                           # L = (R - Q(s, a))^2
        return (d_q,)

    def loss(self, distribution: Distribution, actions: np.ndarray, returns: np.ndarray, advantages: None,
             outputs: Outputs) -> float:
        return float(((returns - outputs[0][np.arange(len(actions)), actions]) ** 2).sum())

    def value(self, outputs: Outputs) -> np.ndarray:
        return outputs[0].max(axis=1)
