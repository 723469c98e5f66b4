"""Chain reverses, Fork sums."""

import numpy as np
import pytest

from a3c_numba.core.layers.containers import Chain, Fork
from a3c_numba.core.layers.dense import Dense
from a3c_numba.core.layers.input_scaling import Scale
from a3c_numba.core.layers.relu import ReLU
from a3c_numba.core.layers.relu_dense import ReluDense
from a3c_numba.core.parameters import Parameters

from tests import reference

pytestmark = pytest.mark.kernel


def random_parameters(layer, seed=0):
    parameters = Parameters(layer.shapes, dtype=np.float64)
    parameters.flat[:] = np.random.default_rng(seed).normal(size=len(parameters.flat))
    return parameters


def test_parameters_are_in_the_order_of_the_layers_that_have_any():
    heads = Fork(left=Dense(2, 1), right=Dense(2, 4))
    network = Chain(pixels=Scale((3,)), one=Dense(3, 2), relu=ReLU((2,)), heads=heads)
    assert list(network.shapes) == ["one", "heads"]
    assert list(Parameters(network.shapes).named()) == [
        "one.weight", "one.bias", "heads.left.weight", "heads.left.bias", "heads.right.weight", "heads.right.bias"]


def test_a_chain_is_its_layers_one_after_the_other():
    chain = Chain(one=Dense(3, 4), relu=ReLU((4,)), two=Dense(4, 2))
    p, d_p = random_parameters(chain), Parameters(chain.shapes, dtype=np.float64)
    x, d_y = np.random.default_rng(1).normal(size=(5, 3)), np.random.default_rng(2).normal(size=(5, 2))
    cache = chain.cache(5, np.float64)
    one, two = p.tree["one"], p.tree["two"]
    z = reference.dense(x, one["weight"], one["bias"])
    np.testing.assert_allclose(chain.forward(p.tree, x, cache, slice(0, 5)),
                               reference.dense(reference.relu(z), two["weight"], two["bias"]), rtol=1e-12)
    d_x = chain.backward(p.tree, d_p.tree, x, cache, d_y)
    d_two, d_two_bias, d_h = reference.dense_gradients(reference.relu(z), two["weight"], d_y)
    d_one, d_one_bias, d_in = reference.dense_gradients(x, one["weight"], d_h * (z > 0))
    np.testing.assert_allclose(d_x, d_in, rtol=1e-12)
    for got, wanted in zip(d_p.named().values(), (d_one, d_one_bias, d_two, d_two_bias)):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_a_fork_adds_what_comes_back():
    fork = Fork(left=Dense(3, 2), middle=ReluDense(3, 1), right=Dense(3, 4))
    p, d_p = random_parameters(fork), Parameters(fork.shapes, dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(4, 3))
    cache = fork.cache(4, np.float64)
    d_ys = tuple(np.random.default_rng(2).normal(size=y.shape) for y in fork.forward(p.tree, x, cache, slice(0, 4)))
    d_x = fork.backward(p.tree, d_p.tree, x, cache, d_ys)
    alone = [layer.backward(p.tree[name], Parameters(layer.shapes, dtype=np.float64).tree, x,
                            layer.cache(4, np.float64), d_y)
             for (name, layer), d_y in zip(fork.layers.items(), d_ys)]
    np.testing.assert_allclose(d_x, sum(alone), rtol=1e-12)


class Unreachable(Scale):
    """A layer whose backward must not be called."""

    def backward(self, *arguments):
        raise AssertionError("nobody wanted this gradient")


def test_without_an_input_gradient_backward_ends_at_parameters():
    chain = Chain(pixels=Unreachable((3,)), dense=Dense(3, 2), relu=ReLU((2,)))
    p, d_p = random_parameters(chain), Parameters(chain.shapes, dtype=np.float64)
    x, cache = np.random.default_rng(3).integers(256, size=(2, 3)).astype(np.uint8), chain.cache(2, np.float64)
    chain.forward(p.tree, x, cache, slice(0, 2))
    assert chain.backward(p.tree, d_p.tree, x, cache, np.ones((2, 2)), input_gradient=False) is None
    with pytest.raises(AssertionError, match="nobody wanted"):
        chain.backward(p.tree, d_p.tree, x, cache, np.ones((2, 2)))


def test_the_same_description_serves_two_sets_of_parameters():
    chain = Chain(one=Dense(3, 4), two=ReluDense(4, 2))
    x, cache = np.ones((1, 3)), chain.cache(1, np.float64)
    first = chain.forward(random_parameters(chain, 1).tree, x, cache, slice(0, 1)).copy()
    other = chain.forward(random_parameters(chain, 2).tree, x, cache, slice(0, 1)).copy()
    again = chain.forward(random_parameters(chain, 1).tree, x, cache, slice(0, 1))
    assert (first != other).any() and (first == again).all()


def separate_networks():
    """A policy and a value that share nothing, the second a chain within a chain."""
    policy = Chain(one=Dense(3, 4), two=ReluDense(4, 2))
    value = Chain(inner=Chain(one=Dense(3, 5), relu=ReLU((5,))), two=Dense(5, 1))
    return Chain(heads=Fork(policy=policy, value=value))


def test_branches_may_be_chains_and_their_gradient_is_right():
    network = separate_networks()
    p, d_p = random_parameters(network), Parameters(network.shapes, dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(5, 3))
    d_y = [np.random.default_rng(k).normal(size=(5, k)) for k in (2, 1)]
    cache = network.cache(5, np.float64)

    def loss():
        return sum((d * y).sum() for d, y in zip(d_y, network.forward(p.tree, x, cache, slice(0, 5))))
    loss()
    network.backward(p.tree, d_p.tree, x, cache, d_y, input_gradient=False)
    assert [y.shape for y in cache.y] == [(5, 2), (5, 1)] and network.output_shape == ((2,), (1,))
    for i in range(len(p.flat)):
        here, h = p.flat[i], 1e-6
        p.flat[i] = here + h
        up = loss()
        p.flat[i] = here - h
        numeric = (up - loss()) / (2 * h)
        p.flat[i] = here
        assert d_p.flat[i] == pytest.approx(numeric, rel=1e-6, abs=1e-8)
