"""The register tile's convolution kernels against sums written with einsum over windows."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from a3c_numba.fast_kernels import conv2d_tiled, fresh_patches

needs_vectors = pytest.mark.skipif(not conv2d_tiled.available(), reason="no wide vectors, or kernels not compiled")
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}                        # of the largest number

# n, H, W, C, k, stride, O
SHAPES = [
    (1, 84, 84, 4, 8, 4, 16),                                            # the paper's first layer, acting
    (5, 20, 20, 16, 4, 2, 32),                                           # and its second, learning
    (2, 13, 17, 3, 3, 2, 48),                                            # odd sides, pixels left over, both tile widths
    (3, 7, 29, 16, 5, 3, 16),                                            # k is no multiple of the stride
    (2, 9, 8, 32, 1, 1, 32),
    (1, 6, 51, 16, 3, 1, 64),
    (2, 8, 11, 16, 2, 3, 16),                                            # strides longer than k
    (0, 9, 9, 16, 3, 2, 16),
]


def windows(x, k, stride):
    """(n, h, v, C, k, k): every patch of x (n, H, W, C)."""
    return sliding_window_view(x, (k, k), axis=(1, 2))[:, ::stride, ::stride]


def draw(shape, dtype, offset=0):
    """x, w (k k C, O), b, d_y of standard normals; ``offset`` moves each off its alignment, by that many numbers."""
    n, H, W, C, k, stride, O = shape
    rng = np.random.default_rng(7)
    sizes = [(n, H, W, C), (k * k * C, O), (O,), (n, (H - k) // stride + 1, (W - k) // stride + 1, O)]
    return [rng.standard_normal(int(np.prod(s)) + offset).astype(dtype)[offset:].reshape(s) for s in sizes]


def close(got, wanted):
    scale = np.abs(wanted).max(initial=1.0)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[got.dtype.type] * scale)


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_overwrites_y(shape, dtype):
    x, w, b, d_y = draw(shape, dtype)
    k, stride, O = shape[4:]
    y = np.full_like(d_y, np.nan)
    conv2d_tiled.forward(x, w, b, k, stride, y)
    close(y, np.einsum("nabcij,ijco->nabo", windows(x, k, stride), w.reshape(k, k, -1, O)) + b)


def scratch_for(x, d_y):
    O, K, held = d_y.shape[-1], x.shape[-1] * 100, conv2d_tiled.HELD
    shapes = (x[:1].size or 1,), d_y.shape[1:], (held, K), (held, O)
    return tuple(np.full(shape, np.nan, d_y.dtype) for shape in shapes)


def film(shape, dtype, share):
    """x (5, H, W, C) whose images differ from the one before in about ``share`` of the pixels, and w, b, d_y."""
    x, w, b, d_y = draw((5, *shape[1:]), dtype)
    rng = np.random.default_rng(3)
    for t in range(1, 5):
        x[t] = np.where(rng.random((*x.shape[1:3], 1)) < share, x[t], x[t - 1])
    return x, w, b, d_y


def marks(x, k, stride, places):
    """fresh (n, h, v) by the kernel; the first image's are all fresh."""
    fresh = np.ones((len(x), *places), bool)
    changed = fresh_patches.changed_pixels(x[:-1], x[1:])
    fresh_patches.mark_patches(changed, k, stride, np.empty(x.shape[2], bool), fresh[1:])
    return fresh


FILMS = [s for s in SHAPES if s[0]]


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0, 0.002, 0.1, 1])
@pytest.mark.parametrize("shape", FILMS)
def test_the_patches_that_differ_are_marked_fresh(shape, share, dtype):
    x, _, _, d_y = film(shape, dtype, share)
    k, stride = shape[4:6]
    fresh, patches = marks(x, k, stride, d_y.shape[1:3]), windows(x, k, stride)
    differs = (patches[1:] != patches[:-1]).any(axis=(3, 4, 5))
    np.testing.assert_array_equal(fresh[1:], differs)


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0, 0.002, 0.1, 1])
@pytest.mark.parametrize("shape", FILMS)
def test_forward_fresh_equals_forward(shape, share, dtype):
    x, w, b, d_y = film(shape, dtype, share)
    k, stride = shape[4:6]
    fresh, wanted, y = marks(x, k, stride, d_y.shape[1:3]), np.empty_like(d_y), np.full_like(d_y, np.nan)
    conv2d_tiled.forward(x, w, b, k, stride, wanted)
    conv2d_tiled.forward_fresh(x, fresh, w, b, k, stride, 0, 2, y)
    for t in range(2, len(x)):
        conv2d_tiled.forward_fresh(x, fresh, w, b, k, stride, t, t + 1, y)
    np.testing.assert_array_equal(y, wanted)


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0, 0.002, 0.1, 1])
@pytest.mark.parametrize("shape", FILMS)
@pytest.mark.long
def test_backward_weight_by_parts_equals_the_plain_sum(shape, share, dtype):
    x, w, b, d_y = film(shape, dtype, share)
    k, stride = shape[4:6]
    fresh, d_w, d_b = marks(x, k, stride, d_y.shape[1:3]), w.copy(), b.copy()
    conv2d_tiled.backward_weight(x, fresh, d_y, k, stride, scratch_for(x, d_y), d_w, d_b)
    close(d_w, w + np.einsum("nabcij,nabo->ijco", windows(x, k, stride), d_y).reshape(w.shape))
    close(d_b, b + np.einsum("nabo->o", d_y))


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_backward_weight_adds(shape, dtype):
    x, w, b, d_y = draw(shape, dtype)
    k, stride = shape[4:6]
    d_w, d_b = w.copy(), b.copy()
    fresh = np.ones(d_y.shape[:3], bool)
    conv2d_tiled.backward_weight(x, fresh, d_y, k, stride, scratch_for(x, d_y), d_w, d_b)
    close(d_w, w + np.einsum("nabcij,nabo->ijco", windows(x, k, stride), d_y).reshape(w.shape))
    close(d_b, b + np.einsum("nabo->o", d_y))


@needs_vectors
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [s for s in SHAPES if s[3] % 16 == 0])
def test_backward_input_overwrites_d_x(shape, dtype):
    x, w, _, d_y = draw(shape, dtype)
    k, stride, O = shape[4:]
    d_x, turned = np.full_like(x, np.nan), np.empty((k, O, k * shape[3]), dtype)
    conv2d_tiled.backward_input(d_y, w, k, stride, d_x, turned)
    wanted = np.zeros_like(x)
    d_patches = np.einsum("nabo,ijco->nabijc", d_y, w.reshape(k, k, -1, O))
    for a, column in np.ndindex(d_y.shape[1:3]):
        top, left = a * stride, column * stride
        wanted[:, top:top + k, left:left + k] += d_patches[:, a, column]
    close(d_x, wanted)


@needs_vectors
def test_arrays_may_begin_anywhere():
    x, w, b, d_y = draw(SHAPES[1], np.float32, offset=1)
    y = np.empty(d_y.size + 3, np.float32)[3:].reshape(d_y.shape)
    conv2d_tiled.forward(x, w, b, 4, 2, y)
    close(y, np.einsum("nabcij,ijco->nabo", windows(x, 4, 2), w.reshape(4, 4, -1, 32)) + b)


@needs_vectors
def test_nan_stays_visible():
    x, w, b, y = draw(SHAPES[1], np.float32)
    x[0, 0, 0, 0] = np.nan
    conv2d_tiled.forward(x, w, b, 4, 2, y)
    assert np.isnan(y[0, 0, 0]).all() and np.isfinite(y[0, 0, 1:]).all()


@needs_vectors
def test_channels_that_do_not_fill_a_vector_are_refused():
    x, w, b, y = draw((1, 9, 9, 4, 3, 2, 20), np.float32)
    assert not conv2d_tiled.supported(20, np.float32)
    assert not conv2d_tiled.supported(32, np.float64)
    assert conv2d_tiled.supported(32, np.float32)
    with pytest.raises(AssertionError):
        conv2d_tiled.forward(x, w, b, 3, 2, y)


@needs_vectors
def test_views_with_gaps_are_refused():
    x, w, b, y = draw(SHAPES[1], np.float32)
    with pytest.raises(Exception, match="C-contiguous"):
        conv2d_tiled.forward(x[:, :, ::-1], w, b, 4, 2, y)
