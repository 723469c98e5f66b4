"""Stacks of frames made word by word, against the plain kernel's."""

import numpy as np

from a3c_numba.core.replay import gather
from a3c_numba.fast_kernels import interleaved_frames


def test_stacks_equal_those_of_the_plain_kernel():
    rng = np.random.default_rng(0)
    frames, entries = rng.integers(0, 256, (11, 23), np.uint8), np.array([3, 9, 10, 11, 12, 20, 3])
    obs, next_obs = np.empty((2, len(entries), 23, 4), np.uint8)
    wanted = np.empty((2, len(entries), 23, 4), np.uint8)
    gather(frames, entries, *wanted)
    interleaved_frames.gather(frames, entries, obs, next_obs)
    assert np.array_equal(obs, wanted[0]) and np.array_equal(next_obs, wanted[1])


def test_only_stacks_of_four_bytes_are_words():
    assert not interleaved_frames.supported(np.uint8, 3) and not interleaved_frames.supported(np.float32, 4)
