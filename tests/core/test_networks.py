"""The paper's networks: sizes, twins, and the derivative of the whole loss."""

import numpy as np
import pytest

from a3c_numba.core.algorithms import A3C
from a3c_numba.core.distributions import Categorical
from a3c_numba.core.layers.recurrent_state import RecurrentState, layer_caches
from a3c_numba.core.networks import MLP, Convolutional, initial_parameters
from a3c_numba.core.parameters import Parameters, size_of

from tests import reference

HEADS = {"policy": 6, "value": 1}
PI = Categorical(6)
TWINS = {"mlp": reference.MLP(), "scale": reference.Convolutional(reference.scaled),
         "center": reference.Convolutional(reference.centered)}
RECURRENT = ("mlp recurrent", "scale recurrent", "center recurrent")


def built(kind, shape=(28, 20, 2), width=8):
    """A small network and the shape of its observations."""
    kind, memory = kind.split()[0], {"recurrent": True, "cells": 5} if kind in RECURRENT else {}
    if kind == "mlp":
        return MLP(hidden=width, head_init="orthogonal", **memory).build((5,), HEADS), (5,)
    return Convolutional(kind, dense=width, **memory).build(shape, HEADS), shape


class Loss:
    """The loss of a rollout of random observations, actions and returns, in float64; a recurrent network begins it
    with a random state, which is held constant."""

    def __init__(self, network, shape, rows, seed=0):
        rng = np.random.default_rng(seed)
        image = len(shape) == 3
        self.network, self.algorithm, self.rows = network, A3C(entropy_weight=0.1), rows
        self.obs = rng.integers(256, size=(rows, *shape)).astype(np.uint8) if image else rng.normal(size=(rows, *shape))
        self.actions, self.returns = rng.integers(6, size=rows), rng.normal(size=rows)
        self.theta = Parameters(network.shapes, dtype=np.float64)
        network.init(self.theta.tree, rng)
        self.cache = network.cache(rows, np.float64)
        self.state = RecurrentState(self.cache)
        self.state.write(0, rng.normal(size=self.state.size))
        self.advantages = self.returns - self.outputs()[1][:, 0]         # constants of the policy's term

    def outputs(self):
        return self.network.forward(self.theta.tree, self.obs, self.cache, slice(0, self.rows))

    def __call__(self):
        return self.algorithm.loss(PI, self.actions, self.returns, self.advantages, self.outputs())

    def gradient(self):
        d_theta = Parameters(self.network.shapes, dtype=np.float64)
        d_outputs = self.algorithm.loss_gradient(PI, self.actions, self.returns, self.outputs())
        self.network.backward(self.theta.tree, d_theta.tree, self.obs, self.cache, d_outputs, input_gradient=False)
        return d_theta

    def corners(self):
        """Which activations are positive: a difference across a change of this would see two slopes."""
        self.outputs()
        return np.concatenate([(memory.y > 0).ravel() for memory in layer_caches(self.cache) if not memory.states])

    def directional(self, direction, h=1e-5):
        """The central difference along ``direction``, having made sure that no corner lies between."""
        kept, here = self.theta.flat.copy(), self.corners()
        for sign in (1, -1):
            self.theta.flat[:] = kept + sign * h * direction
            np.testing.assert_array_equal(self.corners(), here)
        self.theta.flat[:] = kept
        return reference.directional_derivative(self, self.theta.flat, direction, h)


def random_direction(size, seed=1):
    return np.random.default_rng(seed).normal(size=size) / np.sqrt(size)


@pytest.mark.kernel
@pytest.mark.parametrize("kind", [*TWINS, *RECURRENT])
def test_the_whole_loss_in_a_random_direction(kind):
    loss = Loss(*built(kind), rows=3)
    direction = random_direction(len(loss.theta.flat))
    assert loss.gradient().flat @ direction == pytest.approx(loss.directional(direction), rel=1e-6)


@pytest.mark.kernel
@pytest.mark.parametrize("name", [f"{head}.{layer}" for head in HEADS for layer in ("dense1", "dense2", "head")])
def test_the_whole_loss_of_the_mlp_in_every_coordinate(name):
    loss = Loss(*built("mlp"), rows=3)
    gradient = loss.gradient().named()
    for part in ("weight", "bias"):
        numeric = reference.coordinate_gradient(loss, loss.theta.named()[f"{name}.{part}"])
        np.testing.assert_allclose(gradient[f"{name}.{part}"], numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["conv1.bias", "conv2.bias", "dense.weight", "dense.bias", "heads.policy.weight",
                                  "heads.policy.bias", "heads.value.weight", "heads.value.bias"])
@pytest.mark.parametrize("kind", ["scale", "center"])
def test_the_whole_convolutional_loss_in_every_coordinate(kind, name):
    loss = Loss(*built(kind, (20, 20, 1), width=4), rows=2)
    numeric = reference.coordinate_gradient(loss, loss.theta.named()[name])
    np.testing.assert_allclose(loss.gradient().named()[name], numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.kernel
@pytest.mark.parametrize("layers", [1, 2])
def test_the_whole_loss_of_the_recurrent_mlp_in_every_coordinate(layers):
    network = MLP(hidden=4, layers=layers, recurrent=True, cells=3, head_init="orthogonal").build((3,), HEADS)
    loss = Loss(network, (3,), rows=4)
    assert loss.state.size == 2 * 2 * 3 and loss.state.read(0).all()
    numeric = reference.coordinate_gradient(loss, loss.theta.flat)
    np.testing.assert_allclose(loss.gradient().flat, numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["conv1.bias", "conv2.bias", "dense.weight", "dense.bias", "lstm.weight", "lstm.bias",
                                  "heads.policy.weight", "heads.policy.bias", "heads.value.weight", "heads.value.bias"])
def test_the_whole_recurrent_convolutional_loss_everywhere(name):
    loss = Loss(*built("scale recurrent", (20, 20, 1), width=4), rows=3)
    assert loss.state.size == 2 * 5 and loss.state.read(0).all()
    numeric = reference.coordinate_gradient(loss, loss.theta.named()[name])
    np.testing.assert_allclose(loss.gradient().named()[name], numeric, rtol=1e-6, atol=1e-9)


@pytest.mark.kernel
@pytest.mark.parametrize("kind", RECURRENT)
def test_a_recurrent_gradient_is_not_that_of_the_rows_alone(kind):
    loss = Loss(*built(kind), rows=3)
    whole, rows = loss.gradient().flat.copy(), np.zeros(len(loss.theta.flat))
    states = [loss.state.read(t) for t in range(3)]
    obs, actions, returns, loss.rows = loss.obs, loss.actions, loss.returns, 1
    for t in range(3):
        loss.state.write(0, states[t])
        loss.obs, loss.actions, loss.returns = obs[t:t + 1], actions[t:t + 1], returns[t:t + 1]
        rows += loss.gradient().flat
    assert np.abs(whole - rows).max() > 1e-3 * np.abs(whole).max()       # what came back through time


@pytest.mark.parametrize("kind", ["scale", "center"])
def test_the_whole_loss_of_the_papers_network_in_a_direction(kind):
    loss = Loss(Convolutional(kind).build((84, 84, 4), HEADS), (84, 84, 4), rows=2)
    direction = random_direction(len(loss.theta.flat))
    assert loss.gradient().flat @ direction == pytest.approx(loss.directional(direction, 1e-4), rel=1e-6)


@pytest.mark.kernel
@pytest.mark.parametrize("kind", TWINS)
def test_forward_and_backward_equal_their_twins(kind):
    loss = Loss(*built(kind), rows=3)
    p, twin = loss.theta.named(), TWINS[kind]
    logits, values = loss.outputs()
    expected_logits, expected_values = twin.forward(p, loss.obs)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(values[:, 0], expected_values, rtol=1e-10, atol=1e-12)
    d_logits, d_values = loss.algorithm.loss_gradient(PI, loss.actions, loss.returns, (logits, values))
    expected = twin.gradients(p, loss.obs, d_logits, d_values[:, 0])
    assert set(expected) == set(p)
    for name, gradient in loss.gradient().named().items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_float32_agrees_with_float64_on_the_papers_network():
    network = Convolutional().build((84, 84, 4), HEADS)
    theta = initial_parameters(network, np.random.SeedSequence(0))
    obs = np.random.default_rng(0).integers(256, size=(2, 84, 84, 4)).astype(np.uint8)
    outputs = [network.forward(Parameters(network.shapes, theta.astype(dtype)).tree, obs, network.cache(2, dtype),
                               slice(0, 2)) for dtype in (np.float32, np.float64)]
    for single, double in zip(*outputs):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def test_the_papers_network_has_the_papers_size():
    network = Convolutional().build((84, 84, 4), HEADS)
    sizes = {name: size_of({name: shape}) for name, shape in network.shapes.items()}
    assert sizes == {"conv1": 8 * 8 * 4 * 16 + 16, "conv2": 4 * 4 * 16 * 32 + 32, "dense": 2592 * 256 + 256,
                     "heads": 256 * 7 + 7}
    assert sum(sizes.values()) == 677_943                                # "0.678 M"


def test_the_papers_recurrent_network_has_the_papers_size():
    network = Convolutional(recurrent=True).build((84, 84, 4), HEADS)
    sizes = {name: size_of({name: shape}) for name, shape in network.shapes.items()}
    assert sizes == {"conv1": 8 * 8 * 4 * 16 + 16, "conv2": 4 * 4 * 16 * 32 + 32, "dense": 2592 * 256 + 256,
                     "lstm": (256 + 256) * 4 * 256 + 4 * 256, "heads": 256 * 7 + 7}
    assert RecurrentState(network.cache(1, np.float32)).size == 2 * 256  # h and c


def test_continuous_control_networks_have_the_papers_sizes():
    """A mean for each of 3 directions and one variance; the policy and the value share nothing."""
    network = MLP(hidden=200, layers=1, recurrent=True).build((11,), {"policy": 4, "value": 1})
    for name, outputs in (("policy", 4), ("value", 1)):
        sizes = {layer: size_of({layer: shape}) for layer, shape in network.shapes[name].items()}
        assert sizes == {"dense1": 11 * 200 + 200, "lstm": (200 + 128) * 4 * 128 + 4 * 128, "head": 129 * outputs}
    assert RecurrentState(network.cache(1, np.float32)).size == 2 * 2 * 128


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_an_mlp_has_as_many_hidden_layers_as_asked_for(layers):
    network = MLP(hidden=7, layers=layers).build((5,), HEADS)
    for name, outputs in HEADS.items():
        assert list(network.shapes[name]) == [*(f"dense{k + 1}" for k in range(layers)), "head"]
        weights = [shape["weight"] for shape in network.shapes[name].values()]
        assert weights == [(5, 7), *[(7, 7)] * (layers - 1), (7, outputs)]


def test_a_description_suits_images_or_vectors():
    assert Convolutional().takes((84, 84, 4)) and not Convolutional().takes((4,))
    assert MLP().takes((4,)) and not MLP().takes((84, 84, 4))


def test_initial_parameters_depend_on_the_seed_alone():
    network, _ = built("mlp")
    first, again, other = (initial_parameters(network, np.random.SeedSequence(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.float32 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_network_of_2015_has_three_convolutions():
    network = Convolutional(convolutions="2015", dense=512).build((84, 84, 4), {"q": 6})
    sizes = {name: sum(int(np.prod(shape)) for shape in shapes.values()) for name, shapes in network.shapes.items()
             if name != "heads"}
    assert sizes == {"conv1": 8 * 8 * 4 * 32 + 32, "conv2": 4 * 4 * 32 * 64 + 64, "conv3": 3 * 3 * 64 * 64 + 64,
                     "dense": 7 * 7 * 64 * 512 + 512}
    assert size_of(network.shapes) == 1_687_206                          # with 6 actions


@pytest.mark.parametrize("convolutions, smallest", [("2016", 20), ("2015", 36)])
def test_an_image_has_to_be_large_enough(convolutions, smallest):
    network = Convolutional(convolutions=convolutions)
    assert network.takes((smallest, 50, 4)) and not network.takes((smallest - 1, 50, 4))
    assert network.build((smallest, 50, 4), {"q": 2}).output_shape == ((2,),)
