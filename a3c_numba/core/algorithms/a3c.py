"""Asynchronous advantage actor-critic (paper, Algorithm S3).

    L = sum_t [ -log pi(a_t|s_t) (R_t - V_t)  -  beta H(pi(s_t))  +  c (R_t - V_t)^2 ]

minimised, with R_t the return of ``returns.py`` and the advantage R_t - V_t of the first term held constant:

    dL/d policy_t    computed by ``loss_gradient`` of the distribution (distributions/)
    dL/d V_t         = -2 c (R_t - V_t)

c = 0.5 is not in the paper; it is from its authors' code.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..distributions import ActionSpace, Distribution, PolicyGradient, stochastic_policy
from ..hyperparameters import documented, hyperparameter
from ..layers.base import Outputs
from ..returns import Rollout, returns_of
from ..schedules import linear
from .base import Algorithm


@documented
@dataclass(frozen=True)
class A3C(Algorithm):
    """The defaults are the paper's, or its authors' own if the paper gives none.

    ``outputs`` are those of the policy head (n, width), and the values (n, 1).
    """

    t_max: int = hyperparameter(5, "t_max, the longest rollout in steps (the paper's; later advice: 20)", at_least=1,
                                largest=4096)
    discount: float = hyperparameter(0.99, "gamma (the paper's)", at_least=0, at_most=1)
    gae_lambda: float = hyperparameter(1.0, "lambda of the returns; 1 is the paper's n-step return", at_least=0,
                                       at_most=1)
    entropy_weight: float = hyperparameter(0.01, "beta (the paper's)", at_least=0)
    entropy_share_left: float = hyperparameter(1.0, "share of beta left at the last step (the paper's)",
                                               at_least=0, at_most=1)
    value_weight: float = hyperparameter(0.5, "c, weight of (R - V)^2 (the authors' value)", at_least=0)
    clip_rewards: bool = hyperparameter(True, "clip rewards to [-1, 1] while training (the paper's, for Atari)")
    reward_scale: float = hyperparameter(1.0, "factor on rewards while training, after clipping (the paper's: none)",
                                         above=0)

    acts_on_snapshot: ClassVar[bool] = True        # and V is bootstrapped from theta' itself

    @property
    def rollout_length(self) -> int:
        return self.t_max

    def heads(self, distribution: Distribution) -> dict[str, int]:
        return {"policy": distribution.width, "value": 1}

    def evaluation_policy(self, action_space: ActionSpace) -> PolicyGradient:
        return stochastic_policy(action_space)

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        return returns_of(rollout.rewards, rollout.discounts, outputs[1][:, 0], self.gae_lambda)

    def advantages(self, returns: np.ndarray, outputs: Outputs) -> np.ndarray:
        return returns - outputs[1][:, 0]

    def loss_gradient(self, distribution: PolicyGradient, actions: np.ndarray, returns: np.ndarray, outputs: Outputs,
                      progress: float = 0.0) -> Outputs:
        advantages = self.advantages(returns, outputs)
        beta = linear(self.entropy_weight, self.entropy_weight * self.entropy_share_left, progress)
        d_policy = distribution.loss_gradient(outputs[0], actions, advantages, beta)
        d_values = -2 * self.value_weight * advantages[:, None]          # L = ... + c (R - V)^2
        return d_policy, d_values

    def loss(self, distribution: PolicyGradient, actions: np.ndarray, returns: np.ndarray, advantages: np.ndarray,
             outputs: Outputs) -> float:
        policy = distribution.loss(outputs[0], actions, advantages, self.entropy_weight)
        return policy + self.value_weight * ((returns - outputs[1][:, 0]) ** 2).sum()

    def value(self, outputs: Outputs) -> np.ndarray:
        return outputs[1][:, 0]
