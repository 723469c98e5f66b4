"""Asynchronous one-step Q-learning (paper, Algorithm 1).

    R_t = r_t + gamma max_a' Q(s_{t+1}, a'; theta-)           r_t alone where the episode terminated

which is the lambda-return of ``returns.py`` with lambda = 0 and V_t = max_a Q(s_t, a; theta-).

theta is read anew at every step, from where all workers write it, and the gradients of I_AsyncUpdate steps are added
up before they are applied.

Departures from the paper: the gradients of those steps are formed together, behind the last of them, from what each
step remembered and from theta as it then is; theta- is renewed between such updates, at most once; and those steps are
counted anew from the beginning of each episode, where the paper's t runs on.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..hyperparameters import setting
from ..returns import returns_of
from ..rollout import Rollout
from .value_based import Outputs, ValueMethod


@dataclass(frozen=True)
class OneStepQ(ValueMethod):
    """Hyper-parameters of one-step Q-learning; the defaults are the paper's."""

    update_interval: int = setting(5, "I_AsyncUpdate, steps between updates of one-step methods (the paper's)",
                                   at_least=1, largest=4096)
    snapshot: ClassVar[bool] = False

    @property
    def update_steps(self) -> int:
        """The longest rollout."""
        return self.update_interval

    def first_bootstrap(self, T: int) -> int:
        """The first of T + 1 states whose value the targets ask for."""
        return 1

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        """R_t (T,), from the target network's ``outputs`` for the rollout's T + 1 states."""
        values = outputs[0].max(axis=1)                                  # max_a Q(s_t, a; theta-), the first not read
        return returns_of(rollout.rewards, rollout.discounts, values, 0.0)
