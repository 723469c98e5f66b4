"""Shared memory: the same in every process, and no count is lost."""

import multiprocessing

import numpy as np
import pytest

from a3c_numba.core.rollout import Episode
from a3c_numba.core.shared import EPISODES, LINE, RING, SKIPPED, STEPS, UPDATES, Shared
from a3c_numba.core.worker import Update
from tests.promises import PATIENCE

ROUNDS = 2000


def write(shared, worker, barrier):
    """A process: many counts, a few episodes, a mark in theta, and one in what is its own."""
    barrier.wait(PATIENCE)
    told = []
    for _ in range(ROUNDS):
        told.append(shared.advance(3))
        shared.count_update(worker, Update(3, 0.5, worker, 1.0, None))
    assert told == sorted(set(told))
    shared.statistics_of(worker)[:2] = told[0], told[-1]
    shared.target[worker] = sum(told) // 3                               # up to 2 ** 24, a float32 is exact
    for episode in range(worker + 1):
        shared.record(worker, 10.0 * worker + episode, 7)
    shared.theta[worker] += shared.theta[worker] + 1


def test_two_spawned_processes_write_to_the_same_memory_and_lose_no_count():
    context = multiprocessing.get_context("spawn")
    shared = Shared(size=4, workers=2, own_statistics=True, has_target=True)
    shared.go_on_from(102, 0.0)
    shared.theta[:] = 5
    barrier = context.Barrier(2)
    processes = [context.Process(target=write, args=(shared, worker, barrier)) for worker in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert shared.global_step() == 102 + 2 * 3 * ROUNDS
    assert shared.target[:2].astype(int).sum() == sum(range(34, 34 + 2 * ROUNDS)), "every T is told to one of them"
    firsts, lasts = shared.statistics.reshape(2, 4)[:, :2].T
    assert firsts.min() == 102 and lasts.max() == 102 + 3 * (2 * ROUNDS - 1)
    np.testing.assert_array_equal(shared.counters[:, [STEPS, UPDATES, EPISODES]], [[3 * ROUNDS, ROUNDS, 1],
                                                                                   [3 * ROUNDS, ROUNDS, 2]])
    np.testing.assert_array_equal(shared.gauges[:, :3], [[0.5, 0, 1], [0.5, 1, 1]])
    np.testing.assert_array_equal(shared.episodes[1, :2, 2:], [[10, 7], [11, 7]])
    np.testing.assert_array_equal(shared.theta, [11, 11, 5, 5])


@pytest.mark.parametrize("own_statistics", [False, True])
@pytest.mark.parametrize("has_target", [False, True])
def test_everything_starts_at_zero_with_a_cache_line_for_each_worker(own_statistics, has_target):
    shared = Shared(10, 3, own_statistics, has_target)
    assert shared.theta.shape == (10,) and shared.statistics.shape == (30 if own_statistics else 10,)
    assert shared.target.shape == (10 if has_target else 0,)
    assert [array.shape for array in shared.kept] == [array.shape for array in shared.vectors]
    assert {array.dtype for array in (*shared.vectors, *shared.kept)} == {np.dtype(np.float32)}
    assert shared.vectors.theta is shared.theta and shared.vectors.statistics is shared.statistics
    assert shared.counters.strides[0] == shared.gauges.strides[0] == shared.clock.nbytes == 8 * LINE == 64
    assert shared.episodes.shape == (3, RING, 4)
    for array in (*shared.vectors, *shared.kept, shared.clock, shared.counters, shared.gauges, shared.episodes,
                  shared.commands):
        assert not array.any()
    assert shared.global_step() == 0 and not shared.stopping


@pytest.mark.parametrize("size, workers, has_target", [(1, 1, False), (13, 1, True), (100, 3, True), (16, 64, False)])
def test_no_two_arrays_share_a_cache_line(size, workers, has_target):
    shared = Shared(size, workers, has_target=has_target)
    arrays = (*shared.vectors, *shared.kept, shared.clock, shared.counters, shared.gauges, shared.episodes,
              shared.commands)
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


def test_worker_0_keeps_what_all_share():
    shared = Shared(size=2, workers=2, has_target=True)
    shared.theta[:], shared.statistics[:], shared.target[:] = 1, 2, 3
    shared.keep(1)
    assert not any(array.any() for array in shared.kept)
    shared.keep(0)
    shared.theta[:], shared.statistics[:], shared.target[:] = 4, 5, 6
    assert [array.tolist() for array in shared.kept] == [[1, 1], [2, 2], [3, 3]]


def test_every_worker_keeps_what_is_its_own():
    shared = Shared(size=2, workers=3, own_statistics=True)
    shared.theta[:], shared.statistics[:] = 1, range(1, 7)
    shared.keep(2)
    assert shared.kept.statistics.tolist() == [0, 0, 0, 0, 5, 6] and not shared.kept.theta.any()
    shared.keep(0)
    assert shared.kept.statistics.tolist() == [1, 2, 0, 0, 5, 6] and shared.kept.theta.tolist() == [1, 1]
    shared.keep(1)
    assert shared.kept.statistics.tolist() == [1, 2, 3, 4, 5, 6] and shared.kept.target.size == 0


def test_advance_tells_where_the_clock_stood():
    shared = Shared(size=1, workers=2)
    assert [shared.advance(steps) for steps in (5, 3, 1, 2)] == [0, 5, 8, 9]
    assert shared.global_step() == 11


def test_an_interrupted_run_counts_on():
    shared = Shared(size=1, workers=1)
    shared.go_on_from(2**40, 500.0)
    assert shared.global_step() == 2**40 and 500 <= shared.seconds() < 560
    assert shared.advance(4) == 2**40 and shared.global_step() == 2**40 + 4


def test_a_workers_steps_are_its_own():
    shared = Shared(size=1, workers=2)
    for worker, steps in ((0, 5), (1, 3), (1, 1), (0, 2)):
        shared.count_update(worker, Update(steps, 0.0, 0.0, 1.0, None))
    assert shared.counters[:, STEPS].tolist() == [7, 4] and shared.counters[:, UPDATES].tolist() == [2, 2]


def test_the_ring_of_episodes_overwrites_the_oldest():
    shared = Shared(size=1, workers=2)
    for k in range(RING + 3):
        shared.record(1, k, 2 * k)
    assert list(shared.counters[:, EPISODES]) == [0, RING + 3]
    np.testing.assert_array_equal(shared.episodes[1, :4, 2], [RING, RING + 1, RING + 2, 3])
    assert shared.episodes[1, RING - 1, 2] == RING - 1 and not shared.episodes[0].any()


def test_an_episode_is_stamped_with_the_runs_seconds_and_steps():
    shared = Shared(size=1, workers=1)
    shared.go_on_from(50, 1000.0)
    shared.advance(7)
    shared.count_update(0, Update(7, 0.0, 0.0, 1.0, Episode(-3.0, 7)))
    seconds, step, score, length = shared.episodes[0, 0]
    assert 1000 <= seconds <= shared.seconds() < 1060 and (step, score, length) == (57, -3, 7)


@pytest.mark.parametrize("norm, skipped", [(1.0, 0), (np.inf, 1), (np.nan, 1)])
def test_updates_whose_gradient_was_not_finite_are_counted(norm, skipped):
    shared = Shared(size=1, workers=1)
    shared.count_update(0, Update(5, 0.0, 0.0, norm, None))
    assert shared.counters[0, SKIPPED] == skipped and shared.counters[0, UPDATES] == 1


def test_stop_is_seen():
    shared = Shared(size=1, workers=1)
    shared.stop()
    assert shared.stopping
