"""Asynchronous n-step Q-learning (paper, Algorithm S2).

    R <- max_a Q(s_T, a; theta-)                              0 if the episode terminated
    R <- r_t + gamma R            for t = T - 1 .. 0

Each step has the longest return that its rollout can give.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..hyperparameters import hyperparameter
from ..returns import returns_of
from ..rollout import Rollout
from .value_based import Outputs, ValueMethod


@dataclass(frozen=True)
class NStepQ(ValueMethod):
    """Hyper-parameters of n-step Q-learning; the defaults are the paper's."""

    t_max: int = hyperparameter(5, "t_max, the longest rollout in steps (the paper's; later advice: 20)", at_least=1,
                                largest=4096)
    acts_on_snapshot: ClassVar[bool] = True

    @property
    def rollout_length(self) -> int:
        """Return the length of the longest rollout."""
        return self.t_max

    def first_target_row(self, T: int) -> int:
        """Return the first of the T + 1 states whose value the targets need."""
        return T

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        """Return R_t (T,), from the target network's ``outputs`` for the T + 1 states; only the last row is used."""
        values = np.zeros(rollout.length + 1, np.float32)
        values[-1] = outputs[0][rollout.length].max()                    # max_a Q(s_T, a; theta-)
        return returns_of(rollout.rewards, rollout.discounts, values)
