"""Shared memory: the same in every process, and no count is lost."""

import numpy as np
import pytest

from a3c_numba.core.shared import LINE, Shared
from tests.processes import together

ROUNDS = 2000


def write(shared, worker):
    """A process: many steps, a mark in theta, and one in what is its own."""
    told = [shared.advance(3) for _ in range(ROUNDS)]
    assert told == sorted(set(told))
    shared.statistics_of(worker)[:2] = told[0], told[-1]
    shared.target[worker] = sum(told) // 3                               # up to 2 ** 24, a float32 is exact
    shared.theta[worker] += shared.theta[worker] + 1


def test_two_spawned_processes_share_memory_and_lose_no_count():
    shared = Shared(size=4, workers=2, own_statistics=True, has_target=True)
    shared.resume_at(102)
    shared.theta[:] = 5
    together(write, [(shared, worker) for worker in range(2)])
    assert shared.global_step() == 102 + 2 * 3 * ROUNDS
    assert shared.target[:2].astype(int).sum() == sum(range(34, 34 + 2 * ROUNDS)), "every T is told to one of them"
    firsts, lasts = shared.statistics.reshape(2, 4)[:, :2].T
    assert firsts.min() == 102 and lasts.max() == 102 + 3 * (2 * ROUNDS - 1)
    np.testing.assert_array_equal(shared.theta, [11, 11, 5, 5])


@pytest.mark.parametrize("own_statistics", [False, True])
@pytest.mark.parametrize("has_target", [False, True])
def test_everything_starts_at_zero(own_statistics, has_target):
    shared = Shared(10, 3, own_statistics, has_target)
    assert shared.theta.shape == (10,) and shared.statistics.shape == (30 if own_statistics else 10,)
    assert shared.target.shape == (10 if has_target else 0,)
    assert {array.dtype for array in shared.vectors} == {np.dtype(np.float32)}
    assert shared.vectors.theta is shared.theta and shared.vectors.statistics is shared.statistics
    assert shared.clock.nbytes == 8 * LINE == 64
    assert not any(array.any() for array in (*shared.vectors, shared.clock)) and shared.global_step() == 0


@pytest.mark.parametrize("size, workers, has_target", [(1, 1, False), (13, 1, True), (100, 3, True), (16, 64, False)])
def test_no_two_arrays_share_a_cache_line(size, workers, has_target):
    shared = Shared(size, workers, has_target=has_target)
    arrays = (*shared.vectors, shared.clock)
    starts = [array.ctypes.data for array in arrays if array.size]
    assert not any(start % 64 for start in starts) and len(set(starts)) == len(starts)
    for number, array in enumerate(arrays, 1):
        array[...] = number                                              # and none reaches into another
    assert all((array == number).all() for number, array in enumerate(arrays, 1))


def test_statistics_are_shared_or_each_workers_own():
    shared = Shared(size=4, workers=3)
    for worker in range(3):
        shared.statistics_of(worker)[worker] = 1 + worker
    np.testing.assert_array_equal(shared.statistics, [1, 2, 3, 0])
    own = Shared(size=4, workers=3, own_statistics=True)
    for worker in range(3):
        assert own.statistics_of(worker).shape == (4,)
        own.statistics_of(worker)[:] = 1 + worker
    np.testing.assert_array_equal(own.statistics, np.repeat([1, 2, 3], 4))


def test_advance_tells_where_the_clock_stood():
    shared = Shared(size=1, workers=2)
    assert [shared.advance(steps) for steps in (5, 3, 1, 2)] == [0, 5, 8, 9]
    assert shared.global_step() == 11


def test_an_interrupted_run_counts_on():
    shared = Shared(size=1, workers=1)
    shared.resume_at(2**40)
    assert shared.advance(4) == 2**40 and shared.global_step() == 2**40 + 4
