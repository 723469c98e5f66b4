"""Shared RMSProp against its twin, and what it leaves behind."""

import numpy as np
import pytest

from a3c_numba.core.optimizers import RMSProp

from tests import reference

pytestmark = pytest.mark.kernel

ETA = 3e-3


def draw(dtype=np.float64, n=50, seed=0):
    """theta, g, d and a stale theta'."""
    rng = np.random.default_rng(seed)
    theta, g, d, local = rng.normal(size=(4, n))
    return theta.astype(dtype), np.abs(g).astype(dtype), d.astype(dtype), local.astype(dtype)


def twin(optimizer, theta, g, d, eta=ETA):
    return reference.rmsprop(theta, g, d, eta, optimizer.decay, optimizer.epsilon, optimizer.max_gradient_norm)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("max_norm", [40.0, 0.5], ids=["whole", "clipped"])
@pytest.mark.parametrize("decay, epsilon", [(0.99, 0.1), (0.9, 1e-5), (0.0, 1.0)])
def test_several_steps_equal_the_twin(decay, epsilon, max_norm, dtype, tolerance):
    optimizer = RMSProp(decay=decay, epsilon=epsilon, max_gradient_norm=max_norm)
    theta, g, _, local = draw(dtype)
    expected = reference.Step(theta.astype(np.float64), g.astype(np.float64), 0.0)
    for seed in range(3):
        d = draw(dtype, seed=seed)[2]
        expected = twin(optimizer, expected.theta, expected.g, d.astype(np.float64))
        norm = optimizer.update(theta, g, d, local, ETA)
        assert norm == pytest.approx(expected.norm, rel=1e-6)
        np.testing.assert_allclose(theta, expected.theta, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(g, expected.g, rtol=10 * tolerance, atol=tolerance)
        np.testing.assert_array_equal(local, theta)
        assert not d.any()
    assert theta.dtype == g.dtype == dtype


def test_by_hand():
    theta, g, d, local = np.array([1.0]), np.array([4.0]), np.array([2.0]), np.zeros(1)
    assert RMSProp(decay=0.5, epsilon=5.0).update(theta, g, d, local, 0.3) == 2
    assert (g[0], theta[0]) == (4, pytest.approx(1 - 0.3 * 2 / 3))       # 0.5 * 4 + 0.5 * 2^2; sqrt(4 + 5) = 3


def test_the_global_norm_is_clipped_and_reported_unclipped():
    optimizer = RMSProp(decay=0.0, epsilon=1.0, max_gradient_norm=1.0)
    theta, g, local = np.zeros((3, 2))
    assert optimizer.update(theta, g, np.array([30.0, 40.0]), local, 1.0) == 50
    np.testing.assert_allclose(g, [0.36, 0.64])                          # of (0.6, 0.8), whose norm is 1


def test_a_gradient_at_the_limit_is_not_clipped():
    g = np.zeros(2)
    RMSProp(decay=0.0, max_gradient_norm=5.0).update(np.zeros(2), g, np.array([3.0, 4.0]), np.zeros(2), 1.0)
    np.testing.assert_array_equal(g, [9, 16])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 25, 49])
def test_a_nonfinite_gradient_is_cleared_and_changes_nothing(bad, place, dtype):
    theta, g, d, local = draw(dtype)
    d[place] = bad
    kept = theta.tobytes(), g.tobytes()
    assert not np.isfinite(RMSProp().update(theta, g, d, local, ETA))
    assert (theta.tobytes(), g.tobytes()) == kept and not d.any()


def test_no_gradient_only_lets_the_statistics_decay():
    theta, g, _, local = draw()
    kept = theta.copy(), g.copy()
    assert RMSProp().update(theta, g, np.zeros(50), local, ETA) == 0
    np.testing.assert_array_equal(theta, kept[0])
    np.testing.assert_allclose(g, 0.99 * kept[1], rtol=1e-15)


def test_a_learning_rate_of_0_moves_nothing_and_still_copies():
    theta, g, d, local = draw()
    kept = theta.copy()
    RMSProp().update(theta, g, d, local, 0.0)
    np.testing.assert_array_equal(theta, kept)
    np.testing.assert_array_equal(local, kept)


def test_arrays_are_updated_in_place():
    theta, g, d, local = draw(np.float32, n=16)
    views = theta[4:8], g[4:8]
    before = [view.copy() for view in views]
    RMSProp().update(theta, g, d, local, ETA)
    assert all((view != kept).all() for view, kept in zip(views, before))
