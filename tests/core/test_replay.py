"""The replay memory against a list of whole transitions."""

import numpy as np
import pytest

from a3c_numba.core.replay import ReplayMemory
from a3c_numba.core.returns import Rollout

SHAPE = (2, 3)
CAPACITY = 60


class Naive:
    """Whole transitions in a list; the number of the entry that each has in the memory."""

    def __init__(self, stack):
        self.steps, self.entries, self.stack, self.begins = {}, 0, stack, True

    def add(self, rollout, ended):
        self.entries += (self.stack - 1) * self.begins
        for t in range(rollout.length):
            if np.isfinite(rollout.rewards[t]):
                self.steps[self.entries] = (rollout.obs[t].copy(), rollout.actions[t], rollout.rewards[t],
                                            rollout.discounts[t], rollout.obs[t + 1].copy())
            self.entries += 1
        self.entries += ended
        self.begins = ended

    def drawable(self):
        """The steps whose frames are all in the ring, with the frames of the observation after them."""
        oldest = max(0, self.entries - CAPACITY)
        return {entry: step for entry, step in self.steps.items()
                if oldest + self.stack - 1 <= entry < self.entries - 1}


def rollouts(rng, stack, count, nan=0.0):
    """Rollouts of an imaginary game, and whether each ends its episode."""
    fill = None
    for _ in range(count):
        T, ended = int(rng.integers(1, 5)), bool(rng.random() < 0.3)
        if fill is None:                                                 # an episode begins with any older frames
            fill = rng.integers(0, 256, (*SHAPE, stack), np.uint8)
        obs = [fill]
        for _ in range(T):
            frame = rng.integers(0, 256, (*SHAPE, 1), np.uint8)
            obs.append(np.concatenate([obs[-1][..., 1:], frame], axis=-1))
        rewards = np.where(rng.random(T) < nan, np.nan, rng.standard_normal(T)).astype(np.float32)
        discounts = np.full(T, 0.9, np.float32)
        discounts[-1] *= not ended
        yield Rollout(np.array(obs), rng.integers(0, 3, T), rewards, discounts, rng.integers(0, 3, T)), ended
        fill = None if ended else obs[-1]


def key(obs, action, reward, discount, next_obs):
    return obs.tobytes(), int(action), float(reward), float(discount), next_obs.tobytes()


@pytest.mark.parametrize("stack", [1, 2, 4])
@pytest.mark.parametrize("nan", [0.0, 0.2])
def test_every_step_in_the_ring_is_drawn_and_nothing_else(stack, nan):
    rng = np.random.default_rng(0)
    memory, naive = ReplayMemory(CAPACITY, (*SHAPE, stack), np.uint8, stack), Naive(stack)
    for number, (rollout, ended) in enumerate(rollouts(rng, stack, 80, nan)):
        memory.add(rollout, ended)
        naive.add(rollout, ended)
        assert memory.entries == naive.entries
        if number in (5, 20, 79):
            batch = memory.draw(4000, rng)
            assert {key(*step) for step in zip(*batch)} == {key(*step) for step in naive.drawable().values()}


def test_steps_are_drawn_with_equal_probability():
    rng = np.random.default_rng(1)
    memory = ReplayMemory(CAPACITY, (*SHAPE, 4), np.uint8, 4)
    for rollout, ended in rollouts(rng, 4, 60):
        memory.add(rollout, ended)
    batch = memory.draw(40_000, rng)
    _, counts = np.unique(batch.rewards, return_counts=True)
    expected = 40_000 / len(counts)
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < len(counts) + 4 * np.sqrt(2 * len(counts))      # mean n, variance 2 n


def test_vectors_are_stored_whole():
    memory = ReplayMemory(10, (3,), np.float32)
    obs = np.arange(9, dtype=np.float32).reshape(3, 3)
    memory.add(Rollout(obs, np.array([1, 0]), np.float32([5, 6]), np.float32([1, 0]), np.array([0, 0])), True)
    batch = memory.draw(100, np.random.default_rng(0))
    for row in range(100):
        step = int(batch.rewards[row]) - 5
        assert np.array_equal(batch.obs[row], obs[step]) and np.array_equal(batch.next_obs[row], obs[step + 1])
        assert batch.actions[row] == 1 - step and batch.discounts[row] == 1 - step


def test_an_image_of_several_frames_is_stored_as_one():
    assert ReplayMemory(100, (84, 84, 4), np.uint8, 4).frames.nbytes == 100 * 84 * 84


def test_nothing_can_be_drawn_before_a_step_has_a_successor():
    memory = ReplayMemory(10, (3,), np.float32)
    assert memory.draw(1, np.random.default_rng(0)) is None
    obs = np.zeros((2, 3), np.float32)
    memory.add(Rollout(obs, np.array([1]), np.float32([np.nan]), np.float32([1]), np.array([0])), False)
    memory.add(Rollout(obs, np.array([1]), np.float32([2]), np.float32([1]), np.array([0])), False)
    assert memory.draw(1, np.random.default_rng(0)) is None
