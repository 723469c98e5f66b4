"""Toy environments that a correct learner solves in seconds, each with a known best return.

Catch follows bsuite's game of that name; Corridor follows the chain in PFRL's tests ("ABC").
"""

from functools import partial
from typing import Any, Callable

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from ..system.text import short_repr

LARGEST = 200                  # size of a toy, in rows, columns or steps


class Catch(gymnasium.Env):
    """A ball falls one row per step, from a random column; a paddle on the bottom row has to catch it.

    Observation: (rows * columns,) float32, the board row by row, 1 at the ball and at the paddle, else 0.
    Actions: 0 left, 1 stay, 2 right.  Reward: +1 for a catch, -1 for a miss, at the last of ``rows - 1`` steps.
    Best return: 1, always possible; with random actions about -0.6.
    """

    def __init__(self, rows: int = 10, columns: int = 5):
        check_size("rows", rows, 2)
        check_size("columns", columns, 1)
        self.rows, self.columns = rows, columns
        self.observation_space = Box(0, 1, (rows * columns,), np.float32)
        self.action_space = Discrete(3)
        self._row = self._column = self._paddle = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Put the ball into the top row, the paddle into the middle."""
        super().reset(seed=seed)
        self._row, self._column = 0, int(self.np_random.integers(self.columns))
        self._paddle = self.columns // 2
        return self._board(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Move the paddle, then the ball.  Raise ValueError for an action that does not exist."""
        check(action, 3)
        self._paddle = min(max(self._paddle + int(action) - 1, 0), self.columns - 1)
        self._row += 1
        terminated = self._row == self.rows - 1
        caught = self._column == self._paddle
        reward = (1.0 if caught else -1.0) if terminated else 0.0
        return self._board(), reward, terminated, False, {}

    def _board(self) -> NDArray[np.float32]:
        board = np.zeros((self.rows, self.columns), np.float32)
        board[self._row, self._column] = 1
        board[-1, self._paddle] = 1
        return board.reshape(-1)


class Corridor(gymnasium.Env):
    """A chain of places; one action leads to the next place: 0, 1, 2, 0, 1, 2, ...  All others end the episode.

    Observation: (length,) float32, one-hot place; the place after the last is the first.
    Actions: 0, 1, 2.  Reward: 1 for the last correct action, else 0.
    Best return: 1; with random actions 3 ** -length.

    With discount g and the best policy, the value of the first place is g ** (length - 1) if the end of the chain
    terminates the episode.  With ``truncates`` it truncates the episode, and the value is
    g ** (length - 1) / (1 - g ** length).  A learner that treats truncation as termination finds the former.
    """

    def __init__(self, length: int = 4, truncates: bool = False):
        check_size("length", length, 1)
        self.length, self.truncates = length, truncates
        self.observation_space = Box(0, 1, (length,), np.float32)
        self.action_space = Discrete(3)
        self._place = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Go back to the first place."""
        super().reset(seed=seed)
        self._place = 0
        return np.eye(self.length, dtype=np.float32)[0], {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Move to the next place, or end the episode.  Raise ValueError for an action that does not exist."""
        check(action, 3)
        right = int(action) == self._place % 3
        arrived = right and self._place == self.length - 1
        self._place = (self._place + right) % self.length
        terminated = not right or (arrived and not self.truncates)
        obs = np.eye(self.length, dtype=np.float32)[self._place]
        return obs, float(arrived), terminated, arrived and self.truncates, {}


class Memory(gymnasium.Env):
    """A cue is shown at the first step, and the last action must repeat it; in between the observation is 0.

    Observation: (3,) float32: cue 0, cue 1, and 1 in the last place at the last step; all else 0.
    Actions: 0, 1.  Reward: at the last of ``length`` steps +1 for the cue's number, else -1; 0 before.
    Best return: 1, with memory.  Without memory no policy has an expected return above 0.
    """

    def __init__(self, length: int = 5):
        check_size("length", length, 1)
        self.length = length
        self.observation_space = Box(0, 1, (3,), np.float32)
        self.action_space = Discrete(2)
        self._t = self._cue = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Draw a new cue, and show it."""
        super().reset(seed=seed)
        self._t, self._cue = 0, int(self.np_random.integers(2))
        return self._seen(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Wait, or take the answer at the last step.  Raise ValueError for an action that does not exist."""
        check(action, 2)
        self._t += 1
        terminated = self._t == self.length
        reward = (1.0 if action == self._cue else -1.0) if terminated else 0.0
        return self._seen(), reward, terminated, False, {}

    def _seen(self) -> NDArray[np.float32]:
        seen = np.zeros(3, np.float32)
        if self._t == 0:
            seen[self._cue] = 1
        seen[2] = self._t == self.length - 1
        return seen


class Aim(gymnasium.Env):
    """One of three places is shown at every step; the action hits it with its number, or a real number near it.

    Observation: (3,) float32, one-hot place.
    Actions: 0, 1, 2; or, if ``continuous``, a number (1,) in [-2, 2], for the places -1, 0 and 1.
    Reward: 1 for a hit, else 0; a real number at a distance x from the place earns 1 - x.  The Box is wider than the
    places and the reward has a slope everywhere in it, so that the mean of a Gaussian can be learned from any start.
    Best return: ``length``, the number of steps; then the episode terminates, or is truncated if ``truncates``.
    """

    def __init__(self, length: int = 4, continuous: bool = False, truncates: bool = False):
        check_size("length", length, 1)
        self.length, self.continuous, self.truncates = length, continuous, truncates
        self.observation_space = Box(0, 1, (3,), np.float32)
        self.action_space = Box(-2, 2, (1,), np.float32) if continuous else Discrete(3)
        self._t = self._place = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Draw the first place."""
        super().reset(seed=seed)
        self._t = 0
        return self._next_place(), {}

    def step(self, action: Any) -> tuple[NDArray, float, bool, bool, dict]:
        """Reward a hit, and draw the next place.  Raise ValueError for an action that does not exist."""
        if self.continuous:
            reward = 1 - abs(float(action[0]) - (self._place - 1))
        else:
            check(action, 3)
            reward = float(action == self._place)
        self._t += 1
        over = self._t == self.length
        return self._next_place(), reward, over and not self.truncates, over and self.truncates, {}

    def _next_place(self) -> NDArray[np.float32]:
        self._place = int(self.np_random.integers(3))
        return np.eye(3, dtype=np.float32)[self._place]


def check(action: int, n: int) -> None:
    """Raise ValueError for an action outside 0 .. n - 1."""
    if not 0 <= action < n:
        raise ValueError(f"action {action} is outside 0 .. {n - 1}")


def check_size(name: str, value: object, least: int) -> None:
    """Raise ValueError for a size that is no whole number from ``least`` to LARGEST."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= LARGEST:
        raise ValueError(f"{name} must be a whole number from {least} to {LARGEST}; got {short_repr(value)}")


TOYS: dict[str, Callable[..., gymnasium.Env]] = {
    "Aim": Aim, "AimContinuous": partial(Aim, continuous=True), "Catch": Catch, "Corridor": Corridor, "Memory": Memory,
}
