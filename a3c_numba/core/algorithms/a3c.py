"""Asynchronous advantage actor-critic (paper, Algorithm S3).

    L = sum_t [ -log pi(a_t|s_t) (R_t - V_t)  -  beta H(pi(s_t))  +  c (R_t - V_t)^2 ]

minimised, with R_t the return of ``returns.py`` and the advantage R_t - V_t of the first term held constant:

    dL/d policy_t    computed by ``loss_gradient`` of the distribution (distributions/)
    dL/d V_t         = -2 c (R_t - V_t)

c = 0.5 is not in the paper; it is from its authors' code.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..distributions import stochastic_policy
from ..hyperparameters import hyperparameter
from ..returns import returns_of
from ..rollout import Rollout
from ..schedules import linear

Outputs = tuple[np.ndarray, ...]  # policy outputs (n, width), values (n, 1)


@dataclass(frozen=True)
class A3C:
    """Hyper-parameters of A3C; the defaults are the paper's, or its authors' own if the paper gives none."""

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

    acts_on_snapshot: ClassVar[bool] = True        # theta' <- theta at the start of each rollout
    uses_target_network: ClassVar[bool] = False    # V is bootstrapped from theta' itself
    needs_next_action: ClassVar[bool] = False

    @property
    def rollout_length(self) -> int:
        """Return the length of the longest rollout."""
        return self.t_max

    def heads(self, distribution: Any) -> dict[str, int]:
        """Return the width of each network head, by name."""
        return {"policy": distribution.width, "value": 1}

    def behaviour_policy(self, action_space: Any, rng: np.random.Generator) -> Any:
        """Return the distribution that a worker acts with: pi itself."""
        return stochastic_policy(action_space)

    def evaluation_policy(self, action_space: Any) -> Any:
        """Return the distribution that a trained agent acts with: pi itself."""
        return stochastic_policy(action_space)

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        """Return R_t (T,) of a rollout; ``outputs`` have T + 1 rows, the last one for the bootstrap."""
        return returns_of(rollout.rewards, rollout.discounts, outputs[1][:, 0], self.gae_lambda)

    def advantages(self, returns: np.ndarray, outputs: Outputs) -> np.ndarray:
        """Return R_t - V_t (T,)."""
        return returns - outputs[1][:, 0]

    def loss_gradient(self, distribution: Any, actions: np.ndarray, returns: np.ndarray, outputs: Outputs,
                      progress: float = 0.0) -> Outputs:
        """Return dL/d outputs of T rows, for actions (T, ...) and returns (T,).

        ``progress`` is the completed share of the run; it anneals the entropy weight.
        """
        advantages = self.advantages(returns, outputs)
        beta = linear(self.entropy_weight, self.entropy_weight * self.entropy_share_left, progress)
        d_policy = distribution.loss_gradient(outputs[0], actions, advantages, beta)
        d_values = -2 * self.value_weight * advantages[:, None]          # L = ... + c (R - V)^2
        return d_policy, d_values

    def loss(self, distribution: Any, actions: np.ndarray, returns: np.ndarray, advantages: np.ndarray,
             outputs: Outputs) -> float:
        """Return L, for gradient checks; ``advantages`` (T,) are constants of the first term."""
        squares = (returns - outputs[1][:, 0]) ** 2
        return distribution.loss(outputs[0], actions, advantages,
                                 self.entropy_weight) + self.value_weight * squares.sum()

    def value(self, outputs: Outputs) -> np.ndarray:
        """Return V (n,)."""
        return outputs[1][:, 0]
