"""A gradient that is not finite, or whose norm is not: no optimiser changes a bit of anything but the gradient."""

import numpy as np
import pytest

from a3c_numba.core.optimizers import OPTIMIZERS

pytestmark = pytest.mark.kernel

ETA = 3e-3


def begun(optimizer, n=50):
    """theta, statistics that have seen two gradients, and theta'."""
    theta, one, other = np.random.default_rng(0).normal(size=(3, n)).astype(np.float32)
    statistics, local = np.zeros((2, n), np.float32)
    for d in (one, other):
        optimizer.update(theta, statistics, d, local, ETA)
    return theta, statistics, local


BAD = {
    "one is": lambda d, bad, place: d.__setitem__(place, bad),
    "all are": lambda d, bad, place: d.__setitem__(slice(None), bad),
    "both infinities": lambda d, bad, place: d.__setitem__([place, (place + 1) % 50], [np.inf, -np.inf]),
    "the norm overflows": lambda d, bad, place: d.__setitem__(place, 1e30),
}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_skipped_update_leaves_no_trace_in_the_next_one(name, bad, how):
    optimizer = OPTIMIZERS[name]()
    for place in (0, 25, 49):
        theta, statistics, local = begun(optimizer)
        kept = theta.tobytes(), statistics.tobytes(), local.tobytes()
        d = np.random.default_rng(1).normal(size=50).astype(np.float32)
        BAD[how](d, bad, place)
        with np.errstate(over="ignore"):                                 # kernels as plain Python say so
            assert not np.isfinite(optimizer.update(theta, statistics, d, local, ETA))
        assert (theta.tobytes(), statistics.tobytes(), local.tobytes()) == kept and not d.any()
        d[:] = 0.5
        assert np.isfinite(optimizer.update(theta, statistics, d, local, ETA))
        alone = begun(optimizer)
        optimizer.update(alone[0], alone[1], np.full(50, 0.5, np.float32), alone[2], ETA)
        for one, other in zip((theta, statistics, local), alone):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_largest_gradient_of_finite_norm_is_applied_clipped(name):
    optimizer = OPTIMIZERS[name]()
    theta, statistics, local = begun(optimizer)
    before, d = theta.copy(), np.zeros(50, np.float32)
    d[7] = 1.8e19                                                        # its square is just below the largest float32
    assert optimizer.update(theta, statistics, d, local, ETA) == pytest.approx(1.8e19)
    assert np.isfinite(theta).all() and np.isfinite(statistics).all() and theta[7] != before[7]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_worker_on_theta_itself_writes_nothing_to_skip(name):
    """Another worker may have written in between."""
    theta, statistics, _ = begun(OPTIMIZERS[name]())
    theta.flags.writeable = False
    assert np.isnan(OPTIMIZERS[name]().update(theta, statistics, np.full(50, np.nan, np.float32), theta, ETA))
