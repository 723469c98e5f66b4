"""Asynchronous advantage actor-critic (paper, Algorithm S3).

    L = sum_t [ -log pi(a_t|s_t) (R_t - V_t)  -  beta H(pi(s_t))  +  c (R_t - V_t)^2 ]

minimised, with R_t the return of ``returns.py`` and the advantage R_t - V_t of the first term held constant:

    dL/d logits_t    by distributions.policy_gradient
    dL/d V_t         = -2 c (R_t - V_t)

c = 0.5 is not in the paper but in its authors' code.
"""

from dataclasses import dataclass

import numpy as np

from .. import distributions
from ..returns import returns_of
from ..rollout import Rollout
from ..schedules import linear
from ..settings import setting

Outputs = tuple[np.ndarray, np.ndarray]  # logits (n, actions), values (n, 1)


@dataclass(frozen=True)
class A3C:
    """Hyper-parameters of A3C; the defaults are the paper's, or where it is silent its authors' own."""

    t_max: int = setting(5, "t_max, the longest rollout in steps (the paper's; later advice: 20)", at_least=1)
    discount: float = setting(0.99, "gamma (the paper's)", at_least=0, at_most=1)
    gae_lambda: float = setting(1.0, "lambda of the returns; 1 is the paper's n-step return", at_least=0, at_most=1)
    entropy_weight: float = setting(0.01, "beta (the paper's)", at_least=0)
    entropy_share_left: float = setting(1.0, "share of beta left at the last step (the paper's)",
                                        at_least=0, at_most=1)
    value_weight: float = setting(0.5, "c, weight of (R - V)^2 (the authors' value)", at_least=0)
    clip_rewards: bool = setting(True, "clip rewards to [-1, 1] while training (the paper's, for Atari)")
    reward_scale: float = setting(1.0, "factor on rewards while training, after clipping (the paper's: none)", above=0)

    def heads(self, actions: int) -> dict[str, int]:
        """What the network puts out, by name and width."""
        return {"policy": actions, "value": 1}

    def act(self, outputs: Outputs, u: float) -> int:
        """An action drawn from pi(s) by the uniform number ``u`` in [0, 1)."""
        return distributions.sample(outputs[0][0], u)

    def best(self, outputs: Outputs) -> np.ndarray:
        """The most probable action of each row (n,)."""
        return outputs[0].argmax(axis=1)

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        """R_t (T,) of a rollout whose ``outputs`` have T + 1 rows, the last one for the bootstrap."""
        return returns_of(rollout.rewards, rollout.discounts, outputs[1][:, 0], self.gae_lambda)

    def loss_gradient(self, actions: np.ndarray, returns: np.ndarray, outputs: Outputs, progress: float = 0.0,
                      ) -> tuple[Outputs, float]:
        """dL/d outputs of T rows, for actions and returns (T,); with it the mean entropy in nats.

        ``progress`` is the share of the run that is over, for an entropy weight that falls.
        """
        logits, values = outputs
        advantages = returns - values[:, 0]
        d_logits, log_pi = np.empty_like(logits), np.empty_like(logits[0])
        beta = linear(self.entropy_weight, self.entropy_weight * self.entropy_share_left, progress)
        beta = logits.dtype.type(beta)
        total_entropy = distributions.policy_gradient(logits, actions, advantages, beta, log_pi, d_logits)
        d_values = -2 * self.value_weight * advantages[:, None]          # L = ... + c (R - V)^2
        return (d_logits, d_values), total_entropy / len(actions)

    def loss(self, actions: np.ndarray, returns: np.ndarray, advantages: np.ndarray, outputs: Outputs) -> float:
        """L itself, for gradient checks on moderate logits; ``advantages`` (T,) are constants of the first term."""
        logits, values = outputs
        log_pi = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        H = -(np.exp(log_pi) * log_pi).sum(axis=1)
        chosen = log_pi[np.arange(len(actions)), actions]
        squares = (returns - values[:, 0]) ** 2
        return float((-chosen * advantages - self.entropy_weight * H + self.value_weight * squares).sum())
