"""An action held for several steps of the environment, as the frame skip holds it in Atari games.

Independent noise of one step cancels in the next, so that a policy that knows nothing yet stays where it is; held, the
same noise moves the car up the hill.  It is also as much faster as the network is asked less often.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium

from ..core.hyperparameters import check, setting


@dataclass(frozen=True)
class GymSettings:
    """How an environment is played that is no Atari game.  Raises ValueError for a setting out of its range."""

    action_repeat: int = setting(1, "environment steps per agent step, each with the same action", at_least=1,
                                 largest=1000)

    def __post_init__(self) -> None:
        check(self)


class ActionRepeat(gymnasium.Wrapper):
    """One step is up to ``times`` of the environment's, until the episode ends; its reward is their sum.

    A reward that cannot be added up ends the step and is handed on as it is: whoever plays says what is wrong with it.
    """

    def __init__(self, env: gymnasium.Env, times: int) -> None:
        super().__init__(env)
        self.times = times

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """The last observation, the sum of the rewards, and how the episode stands."""
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
