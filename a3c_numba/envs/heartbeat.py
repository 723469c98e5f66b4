"""Count the steps that an environment comes back from, so that another process sees whether it hangs."""

from typing import Any, SupportsFloat

import gymnasium
import numpy as np


class Heartbeat(gymnasium.Wrapper):
    """Adds 1 to ``heartbeats[number]``, in shared memory, for each step and reset that returns."""

    def __init__(self, env: gymnasium.Env, heartbeats: np.ndarray, number: int) -> None:
        super().__init__(env)
        self.heartbeats, self.number = heartbeats, number

    def step(self, action: object) -> tuple[object, SupportsFloat, bool, bool, dict]:
        """The environment's."""
        result = self.env.step(action)
        self.heartbeats[self.number] += 1
        return result

    def reset(self, **options: Any) -> Any:
        """The environment's."""
        result = self.env.reset(**options)
        self.heartbeats[self.number] += 1
        return result
