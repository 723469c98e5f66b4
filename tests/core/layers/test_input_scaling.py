"""Bytes to numbers, and back."""

import numpy as np
import pytest

from a3c_numba.core.layers.input_scaling import Center, Scale

from tests import reference

pytestmark = pytest.mark.kernel

TWINS = {Scale: reference.scaled, Center: reference.centered}


def images(n=3, shape=(6, 7, 4)):
    return np.random.default_rng(0).integers(256, size=(n, *shape)).astype(np.uint8)


def forward(layer, x, dtype=np.float64):
    return layer.forward(None, x, layer.cache(len(x), dtype), slice(0, len(x)))


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-7)])
@pytest.mark.parametrize("cls", TWINS)
def test_equals_its_twin(cls, dtype, tolerance):
    x = images()
    y = forward(cls(x.shape[1:]), x, dtype)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, TWINS[cls](x), rtol=tolerance, atol=tolerance)


def test_black_is_0_and_white_is_1():
    x = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    np.testing.assert_allclose(forward(Scale((1, 3, 1)), x).ravel(), [0, 0.2, 1], rtol=1e-15)


@pytest.mark.parametrize("grey", [0, 87, 255])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_centering_leaves_exactly_0_of_any_background(grey, dtype):
    x = np.full((1, 12, 12, 4), grey, np.uint8)
    x[0, 3, 4] = 255 - grey
    y = forward(Center((12, 12, 4)), x, dtype)
    assert np.count_nonzero(y) == 4 and y[0, 3, 4, 0] == (255 - 2 * grey) / 128


def test_each_image_has_its_own_median():
    dark, light = np.full((5, 5, 1), 10, np.uint8), np.full((5, 5, 1), 200, np.uint8)
    assert not forward(Center((5, 5, 1)), np.stack([dark, light])).any()


@pytest.mark.parametrize("cls", TWINS)
def test_backward_is_the_slope(cls):
    x = images()
    layer, d_y = cls(x.shape[1:]), np.random.default_rng(1).normal(size=x.shape)
    cache = layer.cache(len(x), np.float64)
    middle = layer.forward(None, x, cache, slice(0, 3)).copy()
    d_x = layer.backward(None, None, x, cache, d_y)
    brighter = x.copy()
    spot = (slice(None), 0, 0, 1)                                        # no 17th byte: the median stays
    brighter[spot] ^= 128
    rise = ((forward(layer, brighter) - middle) * d_y)[spot]
    np.testing.assert_allclose(rise / (brighter[spot].astype(float) - x[spot]), d_x[spot], rtol=1e-12)
    np.testing.assert_allclose(d_x, d_y * layer.factor, rtol=1e-15)
