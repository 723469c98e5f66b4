"""The replay memory of DQN: the last steps of one environment, and batches drawn from them (Mnih et al. 2015).

An observation that is a stack of the last k frames is stored as its newest frame alone, 7,056 bytes in place of 28,224.
The memory is a ring of frames, and entry i stands for the observation made of frames i - k + 1 .. i:

    episode of 3 steps, k = 3:     . . s_0 s_1 s_2 s_3          . : the older frames of s_0, which no entry is drawn for
                                        a_0 a_1 a_2             s_3 : the last observation, without an action

So a stack never reaches over an episode's border, also where the memory begins in the middle of an episode.
"""

import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..fast_kernels import interleaved_frames
from .kernel import kernel
from .returns import Rollout

MANY = 100                     # draws after which it is asked whether there is any step to draw


class Transitions(NamedTuple):
    """n steps drawn from the memory."""

    obs: np.ndarray         # (n, *observation_shape)
    actions: np.ndarray     # (n,) int64
    rewards: np.ndarray     # (n,) float32, clipped and scaled as the method says
    discounts: np.ndarray   # (n,) float32: gamma, or 0 where the episode terminated
    next_obs: np.ndarray    # (n, *observation_shape)


@kernel
def gather(frames, entries, obs, next_obs):
    """Set obs and next_obs (n, pixels, k) to the stacks of ``entries`` (n,) and of the entries after them.

    frames (capacity, pixels) is a ring: entry i is row i % capacity.
    """
    k = obs.shape[2]
    for b in range(len(entries)):
        for plane in range(k + 1):
            frame = frames[(entries[b] - k + 1 + plane) % len(frames)]
            if plane < k:
                for i in range(len(frame)):
                    obs[b, i, plane] = frame[i]
            if plane > 0:
                for i in range(len(frame)):
                    next_obs[b, i, plane - 1] = frame[i]


class ReplayMemory:
    """A ring of ``capacity`` frames; observations are stacks of ``stack`` of them along the last axis (1: no stack).

    Attributes:
        frames, actions, rewards, discounts, drawable: the ring; training/saved_replay.py puts a longer one in their
            place, in a file.  Steps are drawn from the last ``capacity`` frames of either.
        steps: how many steps have been added, also those that the ring has lost since.
    """

    def __init__(self, capacity: int, shape: tuple[int, ...], dtype: npt.DTypeLike, stack: int = 1) -> None:
        self.stack, self.shape = stack, shape
        self.capacity = capacity
        frame = shape[:-1] if stack > 1 else shape
        self.frames = np.zeros((capacity, int(np.prod(frame))), dtype)   # the system allocates what is written
        self.actions = np.zeros(capacity, np.int64)
        self.rewards, self.discounts = np.zeros((2, capacity), np.float32)
        self.drawable = np.zeros(capacity, np.bool_)                     # a step, that is: not only a frame
        self.entries = self.steps = 0                                    # added so far
        self._drawn = np.empty((2, 0))
        self.begins = True                                               # whether the next step needs its older frames

    def add(self, rollout: Rollout, ended: bool) -> None:
        """Add the rollout's steps, and its last observation if the episode ``ended`` with it.

        A step whose reward is not finite is never drawn.
        """
        if self.begins:
            for plane in range(self.stack - 1):
                self._append(rollout.obs[0][..., plane])
        for t in range(rollout.length):
            slot = self._append(self._newest(rollout.obs[t]))
            self.actions[slot], self.rewards[slot] = rollout.actions[t], rollout.rewards[t]
            self.discounts[slot], self.drawable[slot] = rollout.discounts[t], np.isfinite(rollout.rewards[t])
        if ended:
            self._append(self._newest(rollout.obs[rollout.length]))
        self.begins = ended
        self.steps += rollout.length

    def _append(self, frame: np.ndarray) -> int:
        slot = self.entries % len(self.frames)
        self.frames[slot] = frame.reshape(-1)
        self.drawable[slot] = False
        self.entries += 1
        return slot

    def _any(self, first: int, last: int) -> bool:
        return bool(self.drawable[np.arange(first, last) % len(self.frames)].any())

    def _newest(self, obs: np.ndarray) -> np.ndarray:
        return obs[..., -1] if self.stack > 1 else obs

    def draw(self, n: int, rng: np.random.Generator) -> Transitions | None:
        """Draw n steps with equal probability, with replacement; None if there is none to draw.

        The observations stay until the next call.
        """
        first = max(0, self.entries - self.capacity) + self.stack - 1           # the oldest with a whole stack
        last = self.entries - 1                                                 # the newest has no successor yet
        chosen = rng.integers(first, max(last, first + 1), n)
        for draws in itertools.count(1):
            refused = np.flatnonzero(~self.drawable[chosen % len(self.frames)])
            if last <= first or draws % MANY == 0 and not self._any(first, last):
                return None
            if not len(refused):
                break
            chosen[refused] = rng.integers(first, last, len(refused))
        slots = chosen % len(self.frames)
        if self._drawn.shape[1] != n:
            self._drawn = np.empty((2, n, self.frames.shape[1], self.stack), self.frames.dtype)
        obs, next_obs = self._drawn
        fast = interleaved_frames.supported(self.frames.dtype, self.stack)
        (interleaved_frames.gather if fast else gather)(self.frames, chosen, obs, next_obs)
        return Transitions(obs.reshape(n, *self.shape), self.actions[slots], self.rewards[slots],
                           self.discounts[slots], next_obs.reshape(n, *self.shape))
