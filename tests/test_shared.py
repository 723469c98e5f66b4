"""Shared memory: the same in every process, and no count is lost."""

import multiprocessing

import numpy as np
import pytest

from a3c_numba.shared import EPISODES, HEARTBEAT, LINE, RING, SKIPPED, STEPS, UPDATES, Shared

ROUNDS = 3000


@pytest.fixture
def context():
    return multiprocessing.get_context("spawn")


def write(shared, worker, barrier):
    """A process: many counts, a few episodes, and a mark in theta."""
    barrier.wait(60)
    for _ in range(ROUNDS):
        shared.advance(worker, 3, (0.5, worker, 1.0))
    for episode in range(worker + 1):
        shared.record(worker, 10.0 * worker + episode, 7)
    shared.theta[worker] += shared.theta[worker] + 1


def test_two_spawned_processes_write_to_the_same_memory_and_lose_no_count(context):
    shared = Shared(context, size=4, workers=2, first_step=100)
    shared.theta[:] = 5
    barrier = context.Barrier(2)
    processes = [context.Process(target=write, args=(shared, worker, barrier)) for worker in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert shared.global_step() == 100 + 2 * 3 * ROUNDS
    np.testing.assert_array_equal(shared.counters[:, [STEPS, UPDATES, EPISODES]], [[3 * ROUNDS, ROUNDS, 1],
                                                                                   [3 * ROUNDS, ROUNDS, 2]])
    np.testing.assert_array_equal(shared.gauges[:, :3], [[0.5, 0, 1], [0.5, 1, 1]])
    np.testing.assert_array_equal(shared.episodes[1, :2, 2:], [[10, 7], [11, 7]])
    np.testing.assert_array_equal(shared.theta, [11, 11, 5, 5])


def test_everything_starts_at_zero_with_a_cache_line_for_each_worker(context):
    shared = Shared(context, size=10, workers=3)
    assert shared.theta.shape == shared.statistics.shape == (10,) and shared.snapshot.shape == (2, 10)
    assert shared.theta.dtype == shared.statistics.dtype == shared.snapshot.dtype == np.float32
    assert shared.counters.strides[0] == shared.gauges.strides[0] == 8 * LINE == 64
    assert shared.episodes.shape == (3, RING, 4)
    for array in (shared.theta, shared.statistics, shared.counters, shared.gauges, shared.episodes, shared.commands):
        assert not array.any()
    assert shared.global_step() == 0 and not shared.stopping


def test_the_ring_of_episodes_overwrites_the_oldest(context):
    shared = Shared(context, size=1, workers=2)
    for k in range(RING + 3):
        shared.record(1, k, 2 * k)
    assert list(shared.counters[:, EPISODES]) == [0, RING + 3]
    np.testing.assert_array_equal(shared.episodes[1, :4, 2], [RING, RING + 1, RING + 2, 3])
    assert shared.episodes[1, RING - 1, 2] == RING - 1 and not shared.episodes[0].any()


def test_an_episode_is_stamped_with_the_runs_seconds_and_steps(context):
    shared = Shared(context, size=1, workers=1, first_step=50, first_second=1000.0)
    shared.advance(0, 7, (0.0, 0.0, 1.0))
    shared.record(0, -3.0, 7)
    seconds, step, score, length = shared.episodes[0, 0]
    assert 1000 <= seconds <= shared.seconds() < 1060 and (step, score, length) == (57, -3, 7)


@pytest.mark.parametrize("norm, skipped", [(1.0, 0), (np.inf, 1), (np.nan, 1)])
def test_updates_whose_gradient_was_not_finite_are_counted(context, norm, skipped):
    shared = Shared(context, size=1, workers=1)
    shared.advance(0, 5, (0.0, 0.0, norm))
    assert shared.counters[0, SKIPPED] == skipped and shared.counters[0, UPDATES] == 1
    assert shared.counters[0, HEARTBEAT] > 0


def test_stop_is_seen(context):
    shared = Shared(context, size=1, workers=1)
    shared.stop()
    assert shared.stopping
