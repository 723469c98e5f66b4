"""Asynchronous n-step Q-learning (paper, Algorithm S2).

    R <- max_a Q(s_T, a; theta-)                              0 if the episode terminated
    R <- r_t + gamma R            for t = T - 1 .. 0

Each step has the longest return that its rollout can give.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..hyperparameters import documented, hyperparameter
from ..layers.base import Outputs
from ..returns import Rollout, returns_of
from .value_based import ValueMethod


@documented
@dataclass(frozen=True)
class NStepQ(ValueMethod):
    """Hyper-parameters of n-step Q-learning; the defaults are the paper's."""

    t_max: int = hyperparameter(5, "t_max, the longest rollout in steps (the paper's; later advice: 20)", at_least=1,
                                largest=4096)
    acts_on_snapshot: ClassVar[bool] = True

    @property
    def rollout_length(self) -> int:
        return self.t_max

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        values = np.zeros(rollout.length + 1, np.float32)
        values[-1] = outputs[0][rollout.length].max()                    # max_a Q(s_T, a; theta-)
        return returns_of(rollout.rewards, rollout.discounts, values)
