"""Convolution against einsum over windows: both ways of computing it, plain and in register tiles."""

import numpy as np
import pytest

from a3c_numba.core.layers.conv2d import Conv2d, output_side, patches_of
from a3c_numba.core.parameters import Parameters
from a3c_numba.fast_kernels import conv2d_tiled

from tests import reference

pytestmark = pytest.mark.kernel

# input shape, outputs, k, stride
SHAPES = [
    ((5, 4, 1), 1, 2, 1),
    ((7, 9, 3), 2, 3, 2),                                                # a column and rows that no patch covers
    ((9, 8, 2), 5, 3, 3),
    ((8, 8, 2), 3, 8, 4),                                                # one patch
    ((6, 7, 2), 2, 2, 3),                                                # gaps between patches
    ((12, 16, 4), 16, 8, 4),                                             # whole vectors: a register tile in float32
    ((6, 8, 16), 32, 4, 2),
]


def draw(layer, n, dtype, seed=0):
    """Parameters, gradients, images and output gradients, all random."""
    rng = np.random.default_rng(seed)
    p, d_p = Parameters(layer.shapes, dtype=dtype), Parameters(layer.shapes, dtype=dtype)
    p.flat[:], d_p.flat[:] = rng.normal(size=(2, len(p.flat)))
    x, d_y = rng.normal(size=(n, *layer.input_shape)), rng.normal(size=(n, *layer.output_shape))
    return p, d_p, x.astype(dtype), d_y.astype(dtype)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("shape, outputs, k, stride", SHAPES)
def test_forward_and_backward_equal_their_twins(shape, outputs, k, stride, n, dtype, tolerance):
    layer = Conv2d(shape, outputs, k, stride)
    p, d_p, x, d_y = draw(layer, n, dtype)
    weight, bias, before = p.tree["weight"], p.tree["bias"], d_p.flat.copy()
    cache = layer.cache(n, dtype)
    y = layer.forward(p.tree, x, cache, slice(0, n))
    d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y)

    exact = reference.conv(*(array.astype(np.float64) for array in (x, weight, bias)), k, stride)
    d_weight, d_bias, d_images = reference.conv_gradients(x.astype(np.float64), weight, d_y, k, stride)
    assert y.shape == exact.shape == (n, *layer.output_shape) and y.dtype == d_x.dtype == dtype
    for got, wanted in ((y, exact), (d_x, d_images), (d_p.flat - before, np.append(d_weight.ravel(), d_bias))):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * max(1, np.abs(wanted).max()))


def test_by_hand():
    layer = Conv2d((2, 3, 1), 1, k=2, stride=1)
    p, d_p = Parameters(layer.shapes, np.array([1.0, 10, 100, 1000, 0.5])), Parameters(layer.shapes, np.zeros(5))
    x = np.arange(1.0, 7).reshape(1, 2, 3, 1)                            # 1 2 3 / 4 5 6
    cache = layer.cache(1, np.float64)
    np.testing.assert_array_equal(layer.forward(p.tree, x, cache, slice(0, 1)).ravel(), [5421.5, 6532.5])
    d_x = layer.backward(p.tree, d_p.tree, x, cache, np.array([1.0, 2.0]).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(d_x.reshape(2, 3), [[1, 10 + 2, 20], [100, 1000 + 200, 2000]])
    np.testing.assert_array_equal(d_p.flat, [1 + 2 * 2, 2 + 2 * 3, 4 + 2 * 5, 5 + 2 * 6, 3])


@pytest.mark.parametrize("side, k, stride, fits", [(84, 8, 4, 20), (20, 4, 2, 9), (8, 8, 4, 1), (9, 2, 3, 3)])
def test_how_many_patches_fit(side, k, stride, fits):
    assert output_side(side, k, stride) == fits == len(range(0, side - k + 1, stride))


def test_patches_are_a_read_only_view():
    x = np.arange(24.0).reshape(4, 3, 2)
    patches = patches_of(x, 2, 1)
    assert patches.shape == (3, 2, 2, 4) and np.shares_memory(patches, x) and not patches.flags.writeable
    np.testing.assert_array_equal(patches[1, 1, 0], [8, 9, 10, 11])


@pytest.mark.skipif(not conv2d_tiled.available(), reason="no wide vectors, or kernels not compiled")
@pytest.mark.parametrize("shape, outputs, k, stride", SHAPES[-2:])
def test_the_two_ways_agree(shape, outputs, k, stride, monkeypatch):
    layer = Conv2d(shape, outputs, k, stride)
    p, d_p, x, d_y = draw(layer, 2, np.float32)
    results = []
    for tiled in (True, False):
        if not tiled:
            monkeypatch.setattr(conv2d_tiled, "supported", lambda channels, dtype: False)
        cache, gradient = layer.cache(2, np.float32), Parameters(layer.shapes, d_p.flat.copy())
        assert cache.tiled == tiled
        y = layer.forward(p.tree, x, cache, slice(0, 2))
        results.append((y, gradient.flat, layer.backward(p.tree, gradient.tree, x, cache, d_y)))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_no_input_gradient_where_nobody_wants_it():
    layer = Conv2d((5, 5, 2), 3, 3, 2)
    p, d_p, x, d_y = draw(layer, 2, np.float64)
    before, cache = d_p.flat.copy(), layer.cache(2, np.float64)
    assert layer.backward(p.tree, d_p.tree, x, cache, d_y, input_gradient=False) is None
    assert (d_p.flat != before).all()
