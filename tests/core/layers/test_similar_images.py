"""A batch of similar images through a network, against each image alone."""

import numpy as np
import pytest

from a3c_numba.core.layers.containers import Chain
from a3c_numba.core.layers.conv2d import Conv2d
from a3c_numba.core.layers.input_scaling import Center, Scale
from a3c_numba.core.layers.relu import ReLU
from a3c_numba.core.layers.relu_dense import ReluDense
from a3c_numba.core.parameters import Parameters

pytestmark = pytest.mark.kernel
SHAPE = (20, 24, 4)


def network(pixels, filters):
    """Layers of which the first four have images; 16 and 32 filters are computed in register tiles."""
    one = Conv2d(SHAPE, filters, 8, 4)
    two = Conv2d(one.output_shape, 2 * filters, 2, 1)
    return Chain(pixels=pixels(SHAPE), conv1=one, relu=ReLU(one.output_shape), conv2=two,
                 dense=ReluDense(two.output_shape, 16))


def images(n):
    """Bytes that differ from the image before in a few places; in one of them the median is another."""
    rng = np.random.default_rng(0)
    x = np.full((n, *SHAPE), 87, np.uint8)
    for t in range(n):
        x[t, 3:6, 2 * t % 20:2 * t % 20 + 3] = rng.integers(0, 256, 4)
    x[5] += 20
    return x


@pytest.mark.parametrize("pixels", [Center, Scale])
@pytest.mark.parametrize("filters", [5, 16])
def test_a_batch_equals_its_images_one_by_one(pixels, filters):
    """And so do the gradients."""
    net, n = network(pixels, filters), 30
    theta, together, alone = (Parameters(net.shapes) for _ in range(3))
    net.init(theta.tree, np.random.default_rng(1))
    x, cache, single = images(n), net.cache(n, np.float32), net.cache(1, np.float32)
    d_y = np.random.default_rng(2).standard_normal((n, 16)).astype(np.float32)
    y = net.forward(theta.tree, x, cache, slice(0, n))
    net.backward(theta.tree, together.tree, x, cache, d_y, input_gradient=False)
    for t in range(n):
        row = net.forward(theta.tree, x[t:t + 1], single, slice(0, 1))
        np.testing.assert_array_equal(cache[3].y[t], single[3].y[0])
        np.testing.assert_allclose(y[t], row[0], rtol=1e-4, atol=1e-5)
        net.backward(theta.tree, alone.tree, x[t:t + 1], single, d_y[t:t + 1], input_gradient=False)
    np.testing.assert_allclose(together.flat, alone.flat, rtol=0, atol=1e-5 * np.abs(alone.flat).max())
