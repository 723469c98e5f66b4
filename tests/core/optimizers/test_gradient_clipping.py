"""The global norm of a gradient: its twin, its clipping, and what is not finite."""

import numpy as np
import pytest

from a3c_numba.core.optimizers.base import clip, square_norm

pytestmark = pytest.mark.kernel


def draw(dtype=np.float64, n=50, seed=0):
    return np.random.default_rng(seed).normal(size=n).astype(dtype)


@pytest.mark.parametrize("n", [1, 2, 50, 1000])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_square_norm_equals_its_twin(n, dtype, tolerance):
    d = draw(dtype, n)
    assert square_norm(d) == pytest.approx(np.einsum("i,i", d.astype(np.float64), d.astype(np.float64)), rel=tolerance)


def test_by_hand():
    d = np.array([3.0, 4.0])
    assert square_norm(d) == 25 and clip(d, 1.0) == 5
    np.testing.assert_allclose(d, [0.6, 0.8], rtol=1e-15)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_clipped_gradient_has_the_norm_limit_and_its_direction(dtype, tolerance):
    d = draw(dtype)
    kept = d.copy()
    norm = clip(d, 0.5)
    assert norm == pytest.approx(np.linalg.norm(kept), rel=tolerance) and norm > 0.5
    assert np.linalg.norm(d) == pytest.approx(0.5, rel=tolerance) and d.dtype == dtype
    np.testing.assert_allclose(d, kept * (0.5 / norm), rtol=tolerance)


@pytest.mark.parametrize("limit", [5.0, 6.0, 1e30])
def test_at_the_limit_or_below_it_nothing_changes(limit):
    d = np.array([3.0, -4.0])
    assert clip(d, limit) == 5
    np.testing.assert_array_equal(d, [3, -4])


def test_no_gradient_stays_none():
    d = np.zeros(3)
    assert clip(d, 1.0) == 0 and not d.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_not_finite_is_told_and_left_alone(bad, dtype):
    """1e30 squared is more than float32 holds: the norm is infinite there, though the gradient is not."""
    d = draw(dtype)
    d[7] = bad
    kept = d.tobytes()
    norm = clip(d, 1.0)
    if bad == 1e30 and dtype == np.float64:
        assert norm == pytest.approx(1e30) and np.linalg.norm(d) == pytest.approx(1)
    else:
        assert not np.isfinite(norm) and d.tobytes() == kept
