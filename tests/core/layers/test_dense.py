"""Dense and ReluDense against einsum."""

import numpy as np
import pytest

from a3c_numba.core.layers.dense import Dense
from a3c_numba.core.layers.initializers import near_zero
from a3c_numba.core.layers.relu_dense import ReluDense
from a3c_numba.core.parameters import Parameters

from tests import reference

pytestmark = pytest.mark.kernel


def setting_up(layer, n, dtype, seed=0):
    """Parameters, gradients, input, cache and output gradient, all random."""
    rng = np.random.default_rng(seed)
    p, d_p = Parameters(layer.shapes, dtype=dtype), Parameters(layer.shapes, dtype=dtype)
    p.flat[:], d_p.flat[:] = rng.normal(size=(2, len(p.flat)))
    x, d_y = rng.normal(size=(n, *layer.input_shape)).astype(dtype), rng.normal(size=(n, *layer.output_shape))
    return p, d_p, x, layer.cache(n, dtype), d_y.astype(dtype)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("inputs, outputs", [(5, 3), (1, 1), (2, 17)])
@pytest.mark.parametrize("cls", [Dense, ReluDense])
def test_forward_and_backward_equal_their_twins(cls, inputs, outputs, n, dtype, tolerance):
    p, d_p, x, cache, d_y = setting_up(cls(inputs, outputs), n, dtype)
    rectified = cls is ReluDense
    h, before = (reference.relu(x) if rectified else x), d_p.flat.copy()
    layer = cls(inputs, outputs)
    y = layer.forward(p.tree, x, cache, slice(0, n))
    d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y)

    close = {"rtol": tolerance, "atol": tolerance}
    np.testing.assert_allclose(y, reference.dense(h, p.tree["weight"], p.tree["bias"]), **close)
    d_weight, d_bias, d_h = reference.dense_gradients(h, p.tree["weight"], d_y)
    np.testing.assert_allclose(d_p.flat - before, np.concatenate([d_weight.ravel(), d_bias]), **close)
    np.testing.assert_allclose(d_x, d_h * (x > 0) if rectified else d_h, **close)
    assert y.dtype == d_x.dtype == dtype


def test_by_hand():
    layer = ReluDense(2, 1)
    p, d_p = Parameters(layer.shapes, np.array([10.0, 100.0, 1.0])), Parameters(layer.shapes, np.zeros(3))
    x, cache = np.array([[2.0, -3.0]]), layer.cache(1, np.float64)
    assert layer.forward(p.tree, x, cache, slice(0, 1)) == 21            # 2 * 10 + 0 * 100 + 1
    np.testing.assert_array_equal(layer.backward(p.tree, d_p.tree, x, cache, np.ones((1, 1))), [[10, 0]])
    np.testing.assert_array_equal(d_p.flat, [2, 0, 1])


def test_nothing_passes_back_through_a_zero():
    layer = ReluDense(3, 2)
    p, d_p, _, cache, d_y = setting_up(layer, 1, np.float64)
    x = np.zeros((1, 3))
    np.testing.assert_array_equal(layer.forward(p.tree, x, cache, slice(0, 1))[0], p.tree["bias"])
    np.testing.assert_array_equal(layer.backward(p.tree, d_p.tree, x, cache, d_y), 0)


def test_a_shape_is_read_as_flat_rows():
    flat, shaped = ReluDense(12, 5), ReluDense((2, 3, 2), 5)
    p, d_p, x, cache, d_y = setting_up(shaped, 3, np.float64)
    d_flat = Parameters(flat.shapes, d_p.flat.copy())
    y = shaped.forward(p.tree, x, cache, slice(0, 3))
    d_x = shaped.backward(p.tree, d_p.tree, x, cache, d_y)
    other = flat.cache(3, np.float64)
    np.testing.assert_array_equal(y, flat.forward(p.tree, x.reshape(3, 12), other, slice(0, 3)))
    d_rows = flat.backward(p.tree, d_flat.tree, x.reshape(3, 12), other, d_y)
    np.testing.assert_array_equal(d_x, d_rows.reshape(x.shape))
    np.testing.assert_array_equal(d_p.flat, d_flat.flat)


def test_dense_leaves_out_an_input_gradient_that_is_not_wanted():
    layer = Dense(3, 2)
    p, d_p, x, cache, d_y = setting_up(layer, 2, np.float64)
    assert layer.backward(p.tree, d_p.tree, x, cache, d_y, input_gradient=False) is None


def test_the_initializer_is_used():
    layer = Dense(100, 50, near_zero)
    p = Parameters(layer.shapes)
    layer.init(p.tree, np.random.default_rng(0))
    assert p.tree["weight"].std() == pytest.approx(0.01 / 10, rel=0.1) and not p.tree["bias"].any()
