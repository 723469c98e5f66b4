"""Asynchronous one-step Sarsa (paper, section 4).

    R_t = r_t + gamma Q(s_{t+1}, a_{t+1}; theta-)             r_t alone if the episode terminated

a_{t+1} is the action that is then executed.  It is drawn before the update, also after the rollout's last step; the
next rollout starts with it.  All else is as in one-step Q-learning.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..hyperparameters import documented
from ..layers.base import Outputs
from ..returns import Rollout, returns_of
from .one_step_q import OneStepQ


@documented
@dataclass(frozen=True)
class OneStepSarsa(OneStepQ):
    """Hyper-parameters of one-step Sarsa; the defaults are the paper's."""

    needs_next_action: ClassVar[bool] = True

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        values, T = np.zeros(rollout.length + 1, np.float32), rollout.length
        values[1:] = outputs[0][np.arange(1, T + 1), rollout.next_actions]     # Q(s_t, a_t; theta-)
        return returns_of(rollout.rewards, rollout.discounts, values, 0.0)
