"""Toys that make bugs visible which the package's own toys would hide."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from ...envs.frame_preprocessing import SIDE, Observation
from ...envs.toys import Aim, Catch, Corridor, check


class Lamp(gymnasium.Env):
    """One of three lamps is lit, and the agent has to name it; at each step another is lit with probability 1/2.

    Observation: (84, 84, 2) uint8, the two newest screens, stacked like those of an Atari game.
    Actions: 0, 1, 2.  Reward: 1 for the lamp that is lit, else 0; 8 steps.
    Best return: 8.  If each screen is seen one step late: 1 + 7 / 2 = 4.5.
    """

    LENGTH = 8

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (SIDE, SIDE, 2), np.uint8)
        self.action_space = Discrete(3)
        self._observation = Observation(SIDE, SIDE, 2)
        self._t = self._lamp = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Light a first lamp, on both screens."""
        super().reset(seed=seed)
        self._t, self._lamp = 0, int(self.np_random.integers(3))
        self._light()
        self._observation.fill()
        return self._observation.stack.copy(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Name a lamp; raise ValueError for an action that does not exist."""
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


class Count(gymnasium.Env):
    """The agent sees nothing and has to count the steps: 0, 1, 2, 0, 1, 2, ...

    Observation: (1,) float32, always 1.  Actions: 0, 1, 2.  Reward: 1 for the right number, else 0.
    An episode has 4 to 8 steps, drawn at random.  Best return: its length, 6 on average, by counting from its first
    step; always answering 0 gives 2.4 on average.
    """

    def __init__(self) -> None:
        self.observation_space = Box(0, 1, (1,), np.float32)
        self.action_space = Discrete(3)
        self._t = self._length = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Draw a length, and start at 0."""
        super().reset(seed=seed)
        self._t, self._length = 0, int(self.np_random.integers(4, 9))
        return np.ones(1, np.float32), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Answer with a number; raise ValueError for one that does not exist."""
        check(action, 3)
        reward = float(action == self._t % 3)
        self._t += 1
        return np.ones(1, np.float32), reward, self._t == self._length, False, {}


class LateCatch(Catch):
    """Catch with a ball that starts 5 to 9 steps above the ground: an episode's length shows what was drawn."""

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Put the ball somewhere in the upper half."""
        super().reset(seed=seed)
        self._row = int(self.np_random.integers(5))
        return self._board(), {}


class Jackpots(Aim):
    """Aim with 8 steps, in which one hit in two hundred pays 100 times as much.

    Best return of a game without such a hit: 8; of random actions: 2.7.
    """

    def __init__(self) -> None:
        super().__init__(length=8)

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Step as in Aim, and sometimes multiply the reward."""
        obs, reward, terminated, truncated, info = super().step(action)
        factor = 100.0 if self.np_random.random() < 0.005 else 1.0
        return obs, factor * reward, terminated, truncated, info


class LongCorridor(Corridor):
    """Corridor with 5 places: random actions reach the end in one game of 243."""

    def __init__(self) -> None:
        super().__init__(length=5)
