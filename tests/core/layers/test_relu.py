"""ReLU, by hand and against its twin."""

import numpy as np
import pytest

from a3c_numba.core.layers.relu import ReLU

from tests import reference

pytestmark = pytest.mark.kernel


def run(x, d_y):
    layer = ReLU(x.shape[1:])
    cache = layer.cache(len(x), x.dtype)
    return layer.forward(None, x, cache, slice(0, len(x))), layer.backward(None, None, x, cache, d_y)


def test_by_hand_with_the_corner():
    y, d_x = run(np.array([[-2.0, 0.0, 3.0]]), np.array([[5.0, 6.0, 7.0]]))
    np.testing.assert_array_equal(y, [[0, 0, 3]])
    np.testing.assert_array_equal(d_x, [[0, 0, 7]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_its_twin(dtype):
    x, d_y = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 2)).astype(dtype)
    y, d_x = run(x, d_y)
    np.testing.assert_array_equal(y, reference.relu(x))
    np.testing.assert_array_equal(d_x, np.where(x > 0, d_y, 0))
    assert y.dtype == d_x.dtype == dtype


def test_a_nan_stays_visible():
    y, _ = run(np.array([[np.nan, 1.0]]), np.ones((1, 2)))
    assert np.isnan(y[0, 0])
