"""A wrapper that repeats each action for several steps of the environment, as frame skip does in Atari games.

With a new random action at every step an untrained policy hardly moves, because the actions cancel; repeated random
actions move, for instance, MountainCar's car up the hill.  Training is faster too: the network acts less often.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium

from ..core.hyperparameters import documented, hyperparameter
from ..validation import validate


@documented
@dataclass(frozen=True)
class GymSettings:
    """Settings of an environment that is not an Atari game.  Raises ValueError for a value out of range."""

    action_repeat: int = hyperparameter(1, "environment steps per agent step, each with the same action", at_least=1,
                                        largest=1000)

    def __post_init__(self) -> None:
        validate(self)


class ActionRepeat(gymnasium.Wrapper):
    """Each step is up to ``times`` steps of the environment, until the episode ends; its reward is their sum.

    A reward that cannot be added ends the step and is returned unchanged; the caller reports the error.
    """

    def __init__(self, env: gymnasium.Env, times: int) -> None:
        super().__init__(env)
        self.times = times

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict]:
        """Return the last observation, the sum of the rewards, and whether the episode has ended."""
        total: Any = 0.0
        for _ in range(self.times):
            obs, reward, terminated, truncated, info = self.env.step(action)
            try:
                total += reward
            except (TypeError, ValueError):
                return obs, reward, terminated, truncated, info
            if terminated or truncated:
                break
        return obs, total, terminated, truncated, info
