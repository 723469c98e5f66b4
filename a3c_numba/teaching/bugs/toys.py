"""Toys on which a bug shows that the package's own toys would hide."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from ...envs.frame_preprocessing import SIDE, Observation
from ...envs.toys import Aim, Catch, Corridor, check


class Lamp(gymnasium.Env[NDArray[np.uint8], Any]):
    """One of three lamps is lit and is to be named; half the time another is lit at the next step.

    Observation: (84, 84, 2) uint8, the two newest screens, stacked as a game's of Atari are.
    Actions: 0, 1, 2.  Reward: 1 for the lamp that is lit, else 0; 8 steps.
    Best return: 8.  For who sees each screen a step late: 1 + 7 / 2 = 4.5.
    """

    LENGTH = 8

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (SIDE, SIDE, 2), np.uint8)
        self.action_space = Discrete(3)
        self._observation = Observation(SIDE, SIDE, 2)
        self._t = self._lamp = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict]:
        """A first lamp, on both screens."""
        super().reset(seed=seed)
        self._t, self._lamp = 0, int(self.np_random.integers(3))
        self._light()
        self._observation.fill()
        return self._observation.stack.copy(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Name a lamp.  Raises ValueError for an action that does not exist."""
        check(action, 3)
        reward = float(action == self._lamp)
        if self.np_random.random() < 0.5:
            self._lamp = (self._lamp + int(self.np_random.integers(1, 3))) % 3
        self._t += 1
        self._light()
        self._observation.add()
        return self._observation.stack.copy(), reward, self._t == self.LENGTH, False, {}

    def _light(self) -> None:
        self._observation.newest[:] = 0
        self._observation.newest[:, 28 * self._lamp:28 * (self._lamp + 1)] = 255


class Count(gymnasium.Env[NDArray[np.float32], Any]):
    """Nothing is to be seen, and the steps are to be counted: 0, 1, 2, 0, 1, 2, ...

    Observation: (1,) float32, always 1.  Actions: 0, 1, 2.  Reward: 1 for the right number, else 0.
    An episode has 4 to 8 steps, as chance will have it.  Best return: its length, 6 on average, for who counts from
    its beginning; 2.4 on average for saying 0 always.
    """

    def __init__(self) -> None:
        self.observation_space = Box(0, 1, (1,), np.float32)
        self.action_space = Discrete(3)
        self._t = self._length = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict]:
        """Count anew."""
        super().reset(seed=seed)
        self._t, self._length = 0, int(self.np_random.integers(4, 9))
        return np.ones(1, np.float32), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Say a number.  Raises ValueError for one that does not exist."""
        check(action, 3)
        reward = float(action == self._t % 3)
        self._t += 1
        return np.ones(1, np.float32), reward, self._t == self._length, False, {}


class LateCatch(Catch):
    """Catch, with a ball that comes into sight 5 to 9 steps above the ground: an episode's length tells its draw."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict]:
        """The ball somewhere in the upper half."""
        super().reset(seed=seed)
        self._row = int(self.np_random.integers(5))
        return self._board(), {}


class Jackpots(Aim):
    """Aim with 8 steps, in which one hit in two hundred pays a hundredfold.

    Best return of a game without such a hit: 8; at random 2.7.
    """

    def __init__(self) -> None:
        super().__init__(length=8)

    def step(self, action: Any) -> tuple[NDArray, float, bool, bool, dict]:
        """As in Aim."""
        obs, reward, terminated, truncated, info = super().step(action)
        factor = 100.0 if self.np_random.random() < 0.005 else 1.0
        return obs, factor * reward, terminated, truncated, info


class LongCorridor(Corridor):
    """Corridor with 5 places: found at random by one game in 243."""

    def __init__(self) -> None:
        super().__init__(length=5)
