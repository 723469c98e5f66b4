"""DQN: deep Q-learning with experience replay (Mnih et al. 2015, algorithm 1).

    R = r + gamma max_a' Q(s', a'; theta-)            r alone if the episode terminated
    L = sum over the batch of h(R - Q(s, a; theta))   h(e) = e^2 / 2 if |e| <= 1, else |e| - 1/2
    dL/dQ(s, a) = -max(-1, min(1, R - Q(s, a)))

minimised, with R held constant, over a batch drawn from the replay memory (``replay.py``) every ``train_interval``
steps.  Without ``clip_errors`` h(e) = e^2 / 2 for every e.

Departures from the paper: its RMSProp is centred and ours is not; the learning rate falls to 0 with the run.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..distributions import Distribution
from ..hyperparameters import documented, hyperparameter
from ..layers.base import Outputs
from ..replay import Transitions
from ..returns import Rollout
from .value_based import ValueMethod


@documented
@dataclass(frozen=True)
class DQN(ValueMethod):
    """Hyper-parameters of DQN; the defaults are those of Mnih et al. 2015, except for the size of the memory."""

    train_interval: int = hyperparameter(4, "agent steps between updates (Mnih et al. 2015)", at_least=1, largest=4096)
    batch_size: int = hyperparameter(32, "steps drawn for an update (Mnih et al. 2015)", at_least=1, largest=4096)
    memory_size: int = hyperparameter(200_000, "frames that the replay memory holds (Mnih et al. 2015: a million)",
                                      at_least=1000, largest=100_000_000)
    warm_up: int = hyperparameter(50_000, "agent steps before the first update (Mnih et al. 2015)", at_least=1)
    clip_errors: bool = hyperparameter(True, "clip the gradient of each error to [-1, 1] (Mnih et al. 2015)")
    target_interval: int = hyperparameter(40_000, "agent steps between copies of theta to theta- (Mnih et al. 2015: "
                                          "10 000 updates)", at_least=1)
    exploration_steps: int = hyperparameter(250_000, "agent steps in which epsilon falls from 1 to its final value "
                                            "(Mnih et al. 2015: a million frames)", at_least=1)
    final_epsilons: str = hyperparameter("0.1:1", "final epsilon:probability (Mnih et al. 2015)")
    acts_on_snapshot: ClassVar[bool] = False
    uses_replay: ClassVar[bool] = True

    @property
    def rollout_length(self) -> int:
        return self.train_interval

    @property
    def rows_per_update(self) -> int:
        return self.batch_size

    def targets(self, rollout: Rollout | Transitions, outputs: Outputs) -> np.ndarray:
        """Return R (n,); the last n rows of theta-'s outputs are of the next observations."""
        return rollout.rewards + rollout.discounts * outputs[0][-len(rollout.rewards):].max(axis=1)

    def loss_gradient(self, distribution: Distribution, actions: np.ndarray, returns: np.ndarray, outputs: Outputs,
                      progress: float = 0.0) -> Outputs:
        q, taken = outputs[0], (np.arange(len(actions)), actions)
        e = returns - q[taken]
        d_q = np.zeros_like(q)
        d_q[taken] = -np.clip(e, -1, 1) if self.clip_errors else -e     # dh/de = e, or its sign from 1 on
        return (d_q,)

    def loss(self, distribution: Distribution, actions: np.ndarray, returns: np.ndarray, advantages: None,
             outputs: Outputs) -> float:
        e = np.abs(returns - outputs[0][np.arange(len(actions)), actions])
        h = np.where(e > 1, e - 0.5, e ** 2 / 2) if self.clip_errors else e ** 2 / 2
        return float(h.sum())
