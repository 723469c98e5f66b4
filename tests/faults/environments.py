"""Environments whose observations, rewards or clock go wrong at a moment that the test chooses."""

import time

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Odd(gymnasium.Env):
    """Observations at random, episodes of ``length`` steps, reward 1 for action 0.

    ``obs`` and ``rewards`` say what is given instead, by the number of the step, counted over all episodes from 1; the
    observation of the reset behind step k is number k + 0.5, the first reset's 0.5.  ``every`` repeats both.
    """

    def __init__(self, obs=None, rewards=None, length=8, actions=Discrete(2), space=Box(-1, 1, (3,), np.float32),
                 every=None):
        self.odd_obs, self.odd_rewards, self.length, self.every = obs or {}, rewards or {}, length, every
        self.action_space, self.observation_space = actions, space
        self.steps, self.taken = 0, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._obs(0.5), {}

    def step(self, action):
        self.t, self.steps = self.t + 1, self.steps + 1
        self.taken.append(action)
        reward = self.odd_rewards.get(self._moment(), float(np.ravel(action)[0] == 0))
        return self._obs(0), reward, self.t == self.length, False, {}

    def _moment(self):
        return self.steps % self.every if self.every else self.steps

    def _obs(self, reset):
        drawn = self.np_random.uniform(-1, 1, self.observation_space.shape).astype(self.observation_space.dtype)
        return self.odd_obs.get(self._moment() + reset, drawn)


IMAGES = Box(0, 255, (84, 84, 4), np.uint8)


def bad_numbers():
    """Of 50 steps one reward is NaN and one observation infinite."""
    return Odd({10: np.full(3, np.inf, np.float32)}, {30: np.nan}, every=50)


def shrinks():
    """An image loses a plane at the 17th step."""
    return Odd({17: np.zeros((84, 84, 3), np.uint8)}, length=1000, space=IMAGES)


def pays_nothing():
    """A reward is None at the 17th step."""
    return Odd(rewards={17: None}, length=1000)


class Slow(Odd):
    """Steps of a millisecond."""

    def step(self, action):
        time.sleep(1e-3)
        return super().step(action)


class SetBack(Slow):
    """The same; behind the 200th of them this process's clock has been set back an hour."""

    def step(self, action):
        if self.steps == 200:
            set_clock_back()
        return super().step(action)


def set_clock_back():
    """From now on this process's time.time is an hour behind."""
    right = time.time
    time.time = lambda: right() - 3600


for _name, _made in {"SetBack": SetBack, "Slow": Slow, "Shrinks": shrinks, "PaysNothing": pays_nothing}.items():
    if f"{_name}-v0" not in gymnasium.registry:
        gymnasium.register(f"{_name}-v0", entry_point=_made, disable_env_checker=True)
