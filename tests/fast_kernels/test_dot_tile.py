"""The dot tile's product against NumPy's."""

import numpy as np
import pytest

from a3c_numba.fast_kernels import conv2d_tiled, dot_tile

needs_vectors = pytest.mark.skipif(not conv2d_tiled.available(), reason="no wide vectors, or kernels not compiled")


@needs_vectors
@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("n, inputs, outputs", [(1, 16, 16), (5, 2592, 256), (3, 37, 64), (0, 32, 16), (20, 15, 1024)])
def test_transposed_product_overwrites_d_x(n, inputs, outputs, dtype, tolerance):
    rng = np.random.default_rng(0)
    weight, d_y = rng.normal(size=(inputs, outputs)).astype(dtype), rng.normal(size=(n, outputs)).astype(dtype)
    d_x = np.full((n, inputs), np.nan, dtype)
    dot_tile.transposed_product(d_y, weight, np.arange(inputs), d_x)
    wanted = d_y.astype(np.float64) @ weight.T.astype(np.float64)
    np.testing.assert_allclose(d_x, wanted, rtol=0, atol=tolerance * np.sqrt(outputs) * 3)


@needs_vectors
def test_a_nan_in_one_row_stays_in_that_row():
    weight, d_y, d_x = np.ones((32, 16), np.float32), np.ones((3, 16), np.float32), np.zeros((3, 32), np.float32)
    d_y[1, 5] = np.nan
    dot_tile.transposed_product(d_y, weight, np.arange(32), d_x)
    assert np.isnan(d_x[1]).all() and (d_x[[0, 2]] == 16).all()


@needs_vectors
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 11, 20])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 9, 40])
def test_only_the_listed_inputs_are_written(n, count):
    rng = np.random.default_rng(n)
    weight, d_y = rng.normal(size=(40, 32)), rng.normal(size=(n, 32))
    rows = np.sort(rng.permutation(40)[:count])
    d_x = np.full((n, 40), 7.0)
    dot_tile.transposed_product(d_y, weight, rows, d_x)
    wanted = np.full((n, 40), 7.0)
    wanted[:, rows] = (d_y @ weight.T)[:, rows]
    np.testing.assert_allclose(d_x, wanted, rtol=0, atol=1e-12)
