"""Asynchronous one-step Q-learning (paper, Algorithm 1).

    R_t = r_t + gamma max_a' Q(s_{t+1}, a'; theta-)           r_t alone if the episode terminated

which is the lambda-return of ``returns.py`` with lambda = 0 and V_t = max_a Q(s_t, a; theta-).

Each step acts on the current shared theta; the gradients of I_AsyncUpdate steps are added up before they are applied.

Departures from the paper: the gradients of those steps are computed together, after the last of them, from the cached
activations of each step and the theta of that moment; theta- is copied between such updates, at most once; and the
steps are counted from the start of each episode, while the paper's t is never reset.
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
class OneStepQ(ValueMethod):
    """Hyper-parameters of one-step Q-learning; the defaults are the paper's."""

    update_interval: int = hyperparameter(5, "I_AsyncUpdate, steps between updates of one-step methods (the paper's)",
                                          at_least=1, largest=4096)
    acts_on_snapshot: ClassVar[bool] = False

    @property
    def rollout_length(self) -> int:
        return self.update_interval

    def first_target_row(self, T: int) -> int:
        return 1

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        values = outputs[0].max(axis=1)                                  # max_a Q(s_t, a; theta-); row 0 is not used
        return returns_of(rollout.rewards, rollout.discounts, values, 0.0)
