"""What the workers and the main process see of each other: counts, gauges, episodes, requests, the snapshot."""

import numpy as np
import pytest

from a3c_numba.core.rollout import Episode
from a3c_numba.core.shared import LINE, Shared
from a3c_numba.core.worker import Update
from a3c_numba.system.atomic_counter import fetch_add
from a3c_numba.training.worker_status import COUNTS, RING, WorkerStatus
from tests.processes import together

ROUNDS = 2000


def status_of(workers, size=1, own_statistics=False, has_target=False, seconds=0.0):
    return WorkerStatus(Shared(size, workers, own_statistics, has_target), workers, seconds)


def write(status, worker):
    """A process: many updates, a few episodes."""
    for _ in range(ROUNDS):
        status.shared.advance(3)
        status.count_update(worker, Update(3, 0.5, worker, 1.0, None))
    for episode in range(worker + 1):
        status.push_episode(worker, 10.0 * worker + episode, 7)


def test_two_spawned_processes_write_to_the_same_memory():
    status = status_of(2)
    together(write, [(status, worker) for worker in range(2)])
    assert status.shared.global_step() == 2 * 3 * ROUNDS
    assert status.steps.tolist() == [3 * ROUNDS] * 2 and status.updates.tolist() == [ROUNDS] * 2
    assert status.episodes.tolist() == [1, 2] and not status.skipped.any()
    np.testing.assert_array_equal(status.gauges(), [[0.5, 0, 1], [0.5, 1, 1]])
    assert [status.episode(1, k)[2:] for k in range(2)] == [(10, 7), (11, 7)]


def test_counts_start_at_0_with_a_cache_line_for_each_worker():
    status = status_of(3, 10, has_target=True)
    assert [array.shape for array in status.snapshot_vectors] == [array.shape for array in status.shared.vectors]
    assert {array.dtype for array in status.snapshot_vectors} == {np.dtype(np.float32)}
    for name in COUNTS:
        assert getattr(status, name).tolist() == [0, 0, 0] and getattr(status, name).strides == (8 * LINE,)
    assert not any(array.any() for array in status.snapshot_vectors) and np.isnan(status.gauges()).all()
    assert not status.stopping and not any(status.is_requested(worker) for worker in range(3))


def test_no_two_counts_are_one():
    status = status_of(2)
    for number, name in enumerate(COUNTS, 1):
        getattr(status, name)[:] = number
    assert [getattr(status, name).tolist() for name in COUNTS] == [[k, k] for k in range(1, len(COUNTS) + 1)]


def test_worker_0_keeps_what_all_share():
    status = status_of(2, size=2, has_target=True)
    shared = status.shared
    shared.theta[:], shared.statistics[:], shared.target[:] = 1, 2, 3
    status.snapshot(1)
    assert not any(array.any() for array in status.snapshot_vectors)
    status.snapshot(0)
    shared.theta[:], shared.statistics[:], shared.target[:] = 4, 5, 6
    assert [array.tolist() for array in status.snapshot_vectors] == [[1, 1], [2, 2], [3, 3]]


def test_every_worker_keeps_what_is_its_own():
    status = status_of(3, size=2, own_statistics=True)
    shared = status.shared
    shared.theta[:], shared.statistics[:] = 1, range(1, 7)
    status.snapshot(2)
    assert status.snapshot_vectors.statistics.tolist() == [0, 0, 0, 0, 5, 6] and not status.snapshot_vectors.theta.any()
    status.snapshot(0)
    assert status.snapshot_vectors.statistics.tolist() == [1, 2, 0, 0, 5,
                                                           6] and status.snapshot_vectors.theta.tolist() == [1, 1]
    status.snapshot(1)
    assert status.snapshot_vectors.statistics.tolist() == [1, 2, 3, 4, 5,
                                                           6] and status.snapshot_vectors.target.size == 0


def test_a_workers_steps_are_its_own():
    status = status_of(2)
    for worker, steps in ((0, 5), (1, 3), (1, 1), (0, 2)):
        status.count_update(worker, Update(steps, 0.0, 0.0, 1.0, None))
    assert status.steps.tolist() == [7, 4] and status.updates.tolist() == [2, 2]


def test_the_ring_of_episodes_overwrites_the_oldest():
    status = status_of(2)
    for k in range(RING + 3):
        status.push_episode(1, k, 2 * k)
    assert status.episodes.tolist() == [0, RING + 3]
    assert [status.episode(1, k)[2] for k in range(3, RING + 3)] == list(range(3, RING + 3))
    read = np.array([0, RING])
    assert [row[2:] for row in status.new_episodes(read)] == [(1, k, 2 * k) for k in range(RING, RING + 3)]
    assert read.tolist() == [0, RING + 3] and status.new_episodes(read) == []
    assert len(status.new_episodes(np.zeros(2, int))) == RING


def test_the_count_of_episodes_moves_by_an_atomic_addition(monkeypatch):
    """After the row, so that a weakly ordered processor shows both or neither; it is read by one, too."""
    status, calls = status_of(2), []

    def recorded(words, n):
        calls.append((n, words[0], status.episode(1, 0)[2:]))
        return fetch_add(words, n)

    monkeypatch.setattr("a3c_numba.training.worker_status.fetch_add", recorded)
    status.push_episode(1, 5.0, 9)
    assert calls == [(1, 0, (5, 9))] and status.episodes.tolist() == [0, 1]
    assert [row[2:] for row in status.new_episodes(np.zeros(2, int))] == [(1, 5, 9)]
    assert [call[:2] for call in calls[1:]] == [(0, 0), (0, 1)]


def test_an_episode_is_stamped_with_the_runs_seconds_and_steps():
    status = status_of(1, seconds=1000.0)
    status.shared.resume_at(50)
    status.shared.advance(7)
    status.count_update(0, Update(7, 0.0, 0.0, 1.0, Episode(-3.0, 7)))
    seconds, step, score, length = status.episode(0, 0)
    assert 1000 <= seconds <= status.seconds() < 1060 and (step, score, length) == (57, -3, 7)


@pytest.mark.parametrize("norm, skipped", [(1.0, 0), (np.inf, 1), (np.nan, 1)])
def test_updates_whose_gradient_was_not_finite_are_counted(norm, skipped):
    status = status_of(1)
    status.count_update(0, Update(5, 0.0, 0.0, norm, None))
    assert status.skipped[0] == skipped and status.updates[0] == 1


def test_stop_is_seen():
    status = status_of(1)
    status.stop()
    assert status.stopping


def test_a_request_is_open_until_its_worker_has_answered():
    status = status_of(2)
    status.request_states()
    status.answered[1] = status.request()
    assert status.is_requested(0) and not status.is_requested(1)
    status.request_states()
    assert status.is_requested(1)
