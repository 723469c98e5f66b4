"""Policy loss, value loss and explained variance of the workers' recent rollouts."""

import dataclasses
import math

import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.training.losses import KEPT, Moments, averaged, losses, moments_of
from tests.core import test_replay_worker, test_worker
from tests.core.test_worker import config_of


def updated(env="Catch", updates=3, **parts):
    worker, _, _ = test_worker.begun(dataclasses.replace(config_of(env, MLP(hidden=8), 1000), **parts))
    for _ in range(updates):
        worker.update()
    return worker


def one(moments):
    """Policy loss, value loss, explained variance."""
    return losses(np.array([moments]))[:3]


def test_a3cs_losses_are_the_formulas():
    worker = updated()
    actions, returns, (logits, values) = worker.learned
    R, V = returns.astype(float), values[:, 0].astype(float)
    pi = np.exp(logits.astype(float))
    pi /= pi.sum(axis=1, keepdims=True)
    chosen = np.log(pi[np.arange(len(R)), actions])
    wanted = -(chosen * (R - V)).mean(), ((R - V) ** 2).mean(), 1 - (R - V).var() / R.var()
    np.testing.assert_allclose(one(moments_of(worker)), wanted, rtol=1e-5)


@pytest.mark.parametrize("large", [0, 200])
def test_large_logits_have_a_finite_policy_loss(large):
    worker = updated()
    logits = worker.learned[2][0]
    before = one(moments_of(worker))
    logits += np.float32(large)
    np.testing.assert_allclose(one(moments_of(worker)), before, rtol=1e-3)


def test_a_batch_of_dqn_has_the_error_of_q_and_no_policy():
    worker, _ = test_replay_worker.begun(test_replay_worker.config_of("Catch"))
    worker.update()
    assert moments_of(worker) == Moments() or np.isnan(moments_of(worker)[1:]).all()     # the memory warms up
    while worker.learned is None:
        worker.update()
    actions, returns, (q,) = worker.learned
    errors = returns - q[np.arange(len(actions)), actions]
    policy, value, explained = one(moments_of(worker))
    assert math.isnan(policy) and len(actions) == 5
    np.testing.assert_allclose(value, (errors ** 2).mean(), rtol=1e-5)
    assert math.isnan(explained) if returns.var() == 0 else explained == pytest.approx(1 - errors.var() / returns.var())


def test_several_workers_count_as_one_sample():
    rng = np.random.default_rng(0)
    parts = [(rng.normal(k, 1 + k, size), rng.normal(0, 1, size)) for k, size in enumerate((3, 20, 7))]
    rows = [Moments(len(R), 0.5, R.mean(), R.var(), e.mean(), e.var()) for R, e in parts]
    R, errors = (np.concatenate(arrays) for arrays in zip(*parts))
    wanted = 0.5, (errors ** 2).mean(), 1 - errors.var() / R.var()
    np.testing.assert_allclose(losses(np.array([*rows, Moments()]))[:3], wanted)          # one has made no update


def test_a_workers_samples_weigh_less_the_older_they_are():
    """As if each row were there KEPT^age times; a sample of which nothing is known does not count."""
    rng = np.random.default_rng(0)
    samples = [(rng.normal(k, 1, 5), rng.normal(-k, 1, 5)) for k in range(3)]
    moments = Moments()
    for loss, (R, e) in enumerate(samples):
        moments = averaged(moments, Moments(5, float(loss), R.mean(), R.var(), e.mean(), e.var()))
    weights = np.repeat([KEPT ** 2, KEPT, 1], 5)
    R, errors = (np.concatenate(arrays) for arrays in zip(*samples))
    share, explained = weights / weights.sum(), 1 - np.cov(errors, aweights=weights) / np.cov(R, aweights=weights)
    wanted = share @ np.repeat([0, 1, 2], 5), share @ errors ** 2, explained
    np.testing.assert_allclose(one(moments), wanted)
    np.testing.assert_allclose(one(averaged(moments, Moments())), wanted)
    of_a_skipped = averaged(moments, Moments(5, math.nan, 0.0, 1.0, 0.0, 1.0))
    assert of_a_skipped.policy_loss == pytest.approx(moments.policy_loss) and of_a_skipped.steps > moments.steps
    assert of_a_skipped.return_variance != moments.return_variance


def test_without_a_finite_number_there_is_nan():
    assert np.isnan(losses(np.empty((0, 7)))).all() and np.isnan(one(Moments())).all()
    policy, value, explained = one(Moments(5, 1.0, 0.3, 0.0, 0.1, 0.0))
    assert (policy, value) == (1.0, pytest.approx(0.01)) and math.isnan(explained)     # all returns are the same


def test_a_part_that_lacks_what_losses_need_learns_on():
    worker = updated()
    worker.distribution = object()
    assert moments_of(worker) == Moments() or np.isnan(moments_of(worker)[1:]).all()
