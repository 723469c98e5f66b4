"""What a method is: the expressions in which the paper's four methods differ.

                     acts on            the target of step t ends in              computed with
    OneStepQ         theta itself       max_a Q(s_{t+1}, a)                       theta-          Algorithm 1
    OneStepSarsa     theta itself       Q(s_{t+1}, a_{t+1})                       theta-          section 4
    NStepQ           theta', a copy     max_a Q(s_T, a), at the rollout's end     theta-          Algorithm S2
    A3C              theta', a copy     V(s_T), at the rollout's end              theta'          Algorithm S3
"""

from typing import Any, ClassVar, Protocol

import numpy as np

from ..distributions import ActionSpace, Distribution
from ..layers.base import Outputs
from ..returns import Rollout


class Algorithm(Protocol):
    """A frozen dataclass of hyper-parameters, and what a worker computes with them.

    Attributes:
        acts_on_snapshot: True if it acts on theta', a copy of theta for each rollout.
        uses_target_network: True if its targets are computed with theta-, a target network.
        needs_next_action: True if the action of the rollout's last state is drawn before the update (Sarsa's a_{t+1}).
        uses_replay: True if it learns from a replay memory (DQN).
        discount, clip_rewards, reward_scale: gamma; what is learned from a reward.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    acts_on_snapshot: ClassVar[bool]
    uses_target_network: ClassVar[bool] = False
    needs_next_action: ClassVar[bool] = False
    uses_replay: ClassVar[bool] = False
    discount: float
    clip_rewards: bool
    reward_scale: float

    @property
    def rollout_length(self) -> int:
        """Return the length of the longest rollout."""

    @property
    def rows_per_update(self) -> int:
        """Return how many rows of network outputs the gradient of an update is summed over, at most."""
        return self.rollout_length

    def heads(self, distribution: Distribution) -> dict[str, int]:
        """Return the width of each network head, by name."""

    def behaviour_policy(self, action_space: ActionSpace, rng: np.random.Generator) -> Distribution:
        """Return the distribution that a worker acts with; ``rng`` draws what differs between workers."""
        return self.evaluation_policy(action_space)

    def evaluation_policy(self, action_space: ActionSpace) -> Distribution:
        """Return the distribution that a trained agent acts with."""

    def first_target_row(self, T: int) -> int:
        """Return the first of the T + 1 states whose value the targets need."""
        return T

    def renews_target(self, before: int, after: int) -> bool:
        """True if theta- <- theta is due when T has gone from ``before`` to ``after``."""
        return False

    def targets(self, rollout: Rollout, outputs: Outputs) -> np.ndarray:
        """Return R_t (T,), from outputs for the rollout's T + 1 states: the target network's, if there is one."""

    def loss_gradient(self, distribution: Any, actions: np.ndarray, returns: np.ndarray, outputs: Outputs,
                      progress: float = 0.0) -> Outputs:
        """Return dL/d outputs of T rows, for actions (T, ...) and returns (T,).

        ``progress`` is the completed share of the run.
        """

    def value(self, outputs: Outputs) -> np.ndarray:
        """Return the value of each state (n,)."""

    def advantages(self, returns: np.ndarray, outputs: Outputs) -> Any:
        """Return what besides the targets is held constant in L, for gradient checks."""

    def loss(self, distribution: Any, actions: np.ndarray, returns: np.ndarray, advantages: Any,
             outputs: Outputs) -> float:
        """Return L, for gradient checks."""
