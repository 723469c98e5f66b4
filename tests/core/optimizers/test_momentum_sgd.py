"""Momentum SGD against a naive twin, and what it leaves behind."""

import numpy as np
import pytest

from a3c_numba.core.optimizers import MomentumSGD

pytestmark = pytest.mark.kernel

ETA = 3e-3


def draw(dtype=np.float64, n=50, seed=0):
    """theta, m, d and a stale theta'."""
    return tuple(np.random.default_rng(seed).normal(size=(4, n)).astype(dtype))


def momentum(gradients, alpha):
    """m after all these gradients, from 0: the k-th but last counts (1 - alpha) alpha^k."""
    return sum((1 - alpha) * alpha ** k * d for k, d in enumerate(reversed(gradients)))


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("max_norm", [40.0, 0.5], ids=["whole", "clipped"])
@pytest.mark.parametrize("alpha", [0.99, 0.5, 0.0])
def test_several_steps_equal_the_sum_of_all_gradients(alpha, max_norm, dtype, tolerance):
    optimizer = MomentumSGD(momentum=alpha, max_gradient_norm=max_norm)
    theta, _, _, local = draw(dtype)
    m, start, seen, moved = np.zeros_like(theta), theta.astype(np.float64), [], 0.0
    for seed in range(6):
        d = draw(dtype, seed=seed)[2]
        norm = np.sqrt(np.sum(d.astype(np.float64) ** 2))
        seen.append(d.astype(np.float64) * min(1, max_norm / norm))
        moved = moved + ETA * momentum(seen, alpha)
        assert optimizer.update(theta, m, d, local, ETA) == pytest.approx(norm, rel=1e-6)
        np.testing.assert_allclose(m, momentum(seen, alpha), rtol=10 * tolerance, atol=tolerance)
        np.testing.assert_allclose(theta, start - moved, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(local, theta)
        assert not d.any()
    assert theta.dtype == m.dtype == dtype


def test_by_hand():
    theta, m, d, local = np.array([1.0]), np.array([4.0]), np.array([2.0]), np.zeros(1)
    assert MomentumSGD(momentum=0.75).update(theta, m, d, local, 0.1) == 2
    assert (m[0], theta[0]) == (3.5, pytest.approx(1 - 0.35))            # 0.75 * 4 + 0.25 * 2


def test_the_global_norm_is_clipped_and_reported_unclipped():
    optimizer = MomentumSGD(momentum=0.0, max_gradient_norm=1.0)
    theta, m, local = np.zeros((3, 2))
    assert optimizer.update(theta, m, np.array([30.0, 40.0]), local, 1.0) == 50
    np.testing.assert_allclose(theta, [-0.6, -0.8])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 25, 49])
def test_a_nonfinite_gradient_is_cleared_and_changes_nothing(bad, place, dtype):
    theta, m, d, local = draw(dtype)
    d[place] = bad
    kept = theta.tobytes(), m.tobytes()
    assert not np.isfinite(MomentumSGD().update(theta, m, d, local, ETA))
    assert (theta.tobytes(), m.tobytes()) == kept and not d.any()
    np.testing.assert_array_equal(local, theta)


def test_what_has_momentum_goes_on_without_a_gradient():
    theta, m, _, local = draw()
    start, speed = theta.copy(), m.copy()
    MomentumSGD(momentum=0.5).update(theta, m, np.zeros(50), local, ETA)
    np.testing.assert_allclose(theta, start - ETA * speed / 2, rtol=1e-14)


def test_a_learning_rate_of_0_moves_nothing_and_still_copies():
    theta, m, d, local = draw()
    kept = theta.copy()
    MomentumSGD().update(theta, m, d, local, 0.0)
    np.testing.assert_array_equal(theta, kept)
    np.testing.assert_array_equal(local, kept)


def test_each_worker_has_its_own():
    assert MomentumSGD.own_statistics
