"""LocalRMSProp: RMSProp's numbers, with statistics that no other worker touches; so too for momentum SGD."""

import functools

import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.core.algorithms import A3C, OneStepQ
from a3c_numba.core.networks import MLP, initial_parameters
from a3c_numba.core.optimizers import LocalRMSProp, MomentumSGD, RMSProp
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.toys import Catch
from a3c_numba.training.worker_status import WorkerStatus

from tests import reference

ETA, WORKERS = 3e-3, 3


def draw(seed=0, n=50):
    theta, g, d, local = np.random.default_rng(seed).normal(size=(4, n))
    return theta, np.abs(g), d, local


@pytest.mark.kernel
@pytest.mark.parametrize("max_norm", [40.0, 0.5], ids=["whole", "clipped"])
def test_two_workers_are_two_twins_on_one_theta(max_norm):
    optimizer = LocalRMSProp(decay=0.9, epsilon=1e-3, max_gradient_norm=max_norm)
    theta, local = draw()[0], np.empty(50)
    statistics, expected, expected_g = np.zeros((2, 50)), theta.copy(), [np.zeros(50), np.zeros(50)]
    for seed, worker in enumerate([0, 1, 1, 0, 1]):
        d = draw(seed)[2]
        step = reference.rmsprop(expected, expected_g[worker], d.copy(), ETA, 0.9, 1e-3, max_norm)
        expected, expected_g[worker] = step.theta, step.g
        assert optimizer.update(theta, statistics[worker], d, local, ETA) == pytest.approx(step.norm, rel=1e-12)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)
        np.testing.assert_allclose(statistics, expected_g, rtol=1e-12)
        np.testing.assert_array_equal(local, theta)


@pytest.mark.kernel
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_nonfinite_gradient_is_cleared_and_changes_nothing(bad):
    theta, g, d, local = draw()
    d[3] = bad
    kept = theta.tobytes(), g.tobytes()
    assert not np.isfinite(LocalRMSProp().update(theta, g, d, local, ETA))
    assert (theta.tobytes(), g.tobytes()) == kept and not d.any()


def crew(optimizer, algorithm=A3C()):
    """Three workers in this process, on one memory."""
    config = Config(functools.partial(Catch, rows=5, columns=3), algorithm, optimizer, MLP(hidden=4, layers=1),
                    workers=WORKERS, total_steps=10**6)
    network = config.build_network(config.make_env())
    theta = initial_parameters(network, np.random.SeedSequence(0))
    shared = Shared(len(theta), WORKERS, optimizer.own_statistics, algorithm.uses_target_network)
    shared.theta[:] = theta
    workers = [Worker(k, config, shared, np.random.SeedSequence(k)) for k in range(WORKERS)]
    return workers, shared, shared.statistics.reshape(-1, len(theta))


@pytest.mark.parametrize("algorithm", [A3C(), OneStepQ()], ids=["A3C", "OneStepQ"])
@pytest.mark.parametrize("optimizer", [LocalRMSProp(), MomentumSGD()], ids=["LocalRMSProp", "MomentumSGD"])
def test_a_workers_update_leaves_the_others_statistics_alone(optimizer, algorithm):
    workers, shared, each = crew(optimizer, algorithm)
    assert each.shape == (WORKERS, len(shared.theta))
    for number in (1, 0, 2, 1):
        before, theta = each.copy(), shared.theta.copy()
        for _ in range(3):
            workers[number].update()
        changed = (each != before).any(axis=1)
        np.testing.assert_array_equal(changed, np.arange(WORKERS) == number)
        assert (shared.theta != theta).any()                             # which all share


def test_shared_statistics_are_one_for_all():
    workers, shared, each = crew(RMSProp())
    assert each.shape == (1, len(shared.theta))
    for worker in workers:
        before = each.copy()
        worker.update()
        assert (each != before).any()


def test_workers_snapshot_their_own_and_the_first_what_is_shared():
    workers, shared, each = crew(MomentumSGD(), OneStepQ())
    for worker in workers:
        for _ in range(3):
            worker.update()
    status = WorkerStatus(shared, WORKERS)
    kept = status.snapshot_vectors.statistics.reshape(WORKERS, -1)
    shared.target[:] = 5
    status.snapshot(2)
    np.testing.assert_array_equal(kept[2], each[2])
    assert not kept[:2].any() and not status.snapshot_vectors.theta.any() and not status.snapshot_vectors.target.any()
    status.snapshot(0)
    status.snapshot(1)
    np.testing.assert_array_equal(kept, each)
    np.testing.assert_array_equal(status.snapshot_vectors.theta, shared.theta)
    np.testing.assert_array_equal(status.snapshot_vectors.target, shared.target)
