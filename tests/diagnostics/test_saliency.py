"""What an agent looks at: gradients of its outputs by its input, held against central differences in float64."""

import gymnasium
import numpy as np
import pytest

from a3c_numba import MLP
from a3c_numba.core.layers.containers import Chain
from a3c_numba.core.layers.input_scaling import Center, Scale
from a3c_numba.core.layers.recurrent_state import layer_caches
from a3c_numba.core.networks import Convolutional
from a3c_numba.core.parameters import Parameters
from a3c_numba.diagnostics.saliency import Eye, activations, questions
from a3c_numba.presets import configure

H = 1e-5                       # as in a3c_numba.diagnostics.gradient_check
DISCRETE = gymnasium.spaces.Discrete(3)
BOX = gymnasium.spaces.Box(-1, 1, (2,), np.float32)


def log_pi(distribution, row, action):
    """Written another way than in the package: from the densities themselves."""
    if not distribution.action_shape:
        return np.log(np.exp(row[action]) / np.exp(row).sum())
    variance = np.log(1 + np.exp(row[-1])) + 1e-3
    density = np.exp(-(action - row[:-1]) ** 2 / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    return np.log(density).sum()


FUNCTIONS = {
    "V": lambda distribution, outputs, action: outputs[1][0, 0],
    "log pi(a)": lambda distribution, outputs, action: log_pi(distribution, outputs[0][0], action),
    "max Q": lambda distribution, outputs, action: outputs[0][0].max(),
}


def eye_of(network, shape, space, algorithm="a3c"):
    """A float64 network with random parameters, and a policy."""
    config = configure("Catch", "classic", algorithm=algorithm)
    distribution = config.algorithm.evaluation_policy(space)
    built = network.build(shape, config.algorithm.heads(distribution))
    theta = Parameters(built.shapes, dtype=np.float64)
    built.init(theta.tree, np.random.default_rng(0))
    theta.flat += 0.05 * np.random.default_rng(1).standard_normal(len(theta.flat))     # heads that say something
    return Eye(built, distribution, theta.flat)


def behind_pixels(eye):
    """The same network and parameters without the layer that takes bytes: a float64 input that can be moved."""
    layers = {name: layer for name, layer in eye.network.layers.items() if name != "pixels"}
    eye = Eye(Chain(**layers), eye.distribution, eye.theta.flat)
    state = eye.recurrent
    state.write(0, np.random.default_rng(5).normal(size=state.size) / 2)
    return eye


def difference(eye, x, k, name, action):
    """The central difference at number ``k`` of x, and whether it spans a ReLU's corner."""
    ends, active = [], []
    for h in (H, -H):
        moved = x.copy()
        moved.reshape(-1)[k] += h
        ends.append(FUNCTIONS[name](eye.distribution, eye.forward(moved), action))
        active.append(np.concatenate([memory.y.ravel() > 0 for memory in layer_caches(eye.cache)]))
    return (ends[0] - ends[1]) / (2 * H), (active[0] != active[1]).any()


def check(eye, x, maps, action, factor=1.0):
    """Each map at its ten largest and ten other places; returns how many were compared."""
    compared = 0
    for name, found in maps.items():
        flat = found.reshape(-1)
        assert flat.max() > 0
        others = np.random.default_rng(2).choice(flat.size, min(10, flat.size), replace=False)
        for k in np.union1d(np.argsort(flat)[-10:], others):
            numeric, corner = difference(eye, x, k, name, action)
            if not corner:
                np.testing.assert_allclose(flat[k], abs(numeric) * factor, rtol=1e-6, atol=1e-8 * flat.max())
                compared += 1
    return compared


@pytest.mark.parametrize("layer, pixels", [(Scale, "scale"), (Center, "center")])
@pytest.mark.parametrize("algorithm, space, action, names", [
    ("a3c", DISCRETE, 2, ["V", "log pi(a)"]), ("a3c", BOX, np.float32([0.3, -0.2]), ["V", "log pi(a)"]),
    ("n_step_q", DISCRETE, 1, ["max Q"])])
def test_pixels(layer, pixels, algorithm, space, action, names):
    """dV/d byte is the difference quotient behind ``Pixels``, times what one grey level is there."""
    eye = eye_of(Convolutional(pixels=pixels, dense=12), (36, 40, 2), space, algorithm)
    obs = np.random.default_rng(3).integers(256, size=(36, 40, 2), dtype=np.uint8)
    maps = eye.saliency_maps(obs, action)
    assert list(maps) == names and all(one.shape == obs.shape and one.dtype == np.float64 for one in maps.values())
    x = eye.cache[0].y[0].copy()                                         # what Pixels made of the bytes
    assert check(behind_pixels(eye), x, maps, action, layer.factor) > 8 * len(names)


@pytest.mark.parametrize("network", [MLP(hidden=6), MLP(hidden=6, recurrent=True, cells=5)])
def test_vectors(network):
    """Two networks side by side: each gives its part of the sum, and log pi's does not hear of the value's."""
    eye = eye_of(network, (7,), DISCRETE)
    x = np.random.default_rng(3).normal(size=7)
    maps = eye.saliency_maps(x, 1)
    eye.begin()                                                          # forget x again
    assert check(eye, x, maps, 1) >= 10


def test_a_recurrent_network_remembers_with_a_constant_memory():
    eye = eye_of(Convolutional(dense=8, recurrent=True, cells=6), (36, 40, 2), DISCRETE)
    first, second = np.random.default_rng(3).integers(256, size=(2, 36, 40, 2), dtype=np.uint8)
    eye.saliency_maps(first, 0)
    before = eye.recurrent.read(0).copy()
    assert before.any()
    after_first = eye.saliency_maps(second, 0)
    twin = behind_pixels(eye)
    twin.recurrent.write(0, before)
    assert check(twin, eye.cache[0].y[0].copy(), after_first, 0, Scale.factor) > 16
    eye.begin()
    afresh = eye.saliency_maps(second, 0)
    assert not np.allclose(afresh["V"], after_first["V"])
    twin.recurrent.write(0, 0)
    assert check(twin, eye.cache[0].y[0].copy(), afresh, 0, Scale.factor) > 16


def test_looking_changes_no_parameter():
    eye = eye_of(Convolutional(dense=8), (36, 40, 2), DISCRETE)
    obs, before = np.random.default_rng(3).integers(256, size=(36, 40, 2), dtype=np.uint8), eye.theta.flat.copy()
    once = eye.saliency_maps(obs, 0)
    again = eye.saliency_maps(obs, 0)
    np.testing.assert_array_equal(eye.theta.flat, before)
    for name in once:
        np.testing.assert_array_equal(once[name], again[name])


def test_the_question_is_put_to_the_action_taken():
    """d log pi(a)/d logits is 1 - pi at a and -pi elsewhere; the value's question is put to the value alone."""
    distribution = configure("Catch", "classic").algorithm.evaluation_policy(DISCRETE)
    logits = np.log([[0.2, 0.3, 0.5]])
    asked = questions(distribution, (logits, np.zeros((1, 1))), 1)
    value, choice = asked["V"], asked["log pi(a)"]
    np.testing.assert_allclose(choice[0], [[-0.2, 0.7, -0.5]], atol=1e-12)
    np.testing.assert_array_equal(choice[1], [[0]])
    np.testing.assert_array_equal(value[0], [[0, 0, 0]])
    np.testing.assert_array_equal(value[1], [[1]])


def test_activations_are_what_each_layer_says():
    eye = eye_of(Convolutional(dense=8), (36, 40, 2), DISCRETE)
    obs = np.random.default_rng(3).integers(256, size=(36, 40, 2), dtype=np.uint8)
    outputs = eye.forward(obs)
    found = activations(eye.network, eye.cache)
    assert list(found) == ["conv1", "conv2", "dense", "heads.policy", "heads.value"]
    named, x = eye.theta.named(), obs / 255
    patch = x[4:12, 8:16].reshape(-1)                                    # of output row 1, column 2
    np.testing.assert_allclose(found["conv1"][1, 2], patch @ named["conv1.weight"] + named["conv1.bias"], rtol=1e-9)
    dense = np.maximum(found["conv2"].reshape(-1), 0) @ named["dense.weight"] + named["dense.bias"]
    np.testing.assert_allclose(found["dense"], dense, rtol=1e-9)
    np.testing.assert_array_equal(found["heads.policy"], outputs[0][0])
    eye.forward(255 - obs)
    np.testing.assert_allclose(found["dense"], dense, rtol=1e-9)         # a copy


def test_single_precision_and_its_own_kernels_say_the_same():
    """The paper's network in float32, whose convolutions may run in register tiles, beside itself in float64."""
    double = eye_of(Convolutional(pixels="center"), (84, 84, 4), DISCRETE)
    single = Eye(double.network, double.distribution, double.theta.flat.astype(np.float32))
    obs = np.random.default_rng(3).integers(256, size=(84, 84, 4), dtype=np.uint8)
    for name, exact in double.saliency_maps(obs, 2).items():
        found = single.saliency_maps(obs, 2)[name]
        assert found.dtype == np.float32 and exact.max() > 0
        np.testing.assert_allclose(found, exact, atol=1e-4 * exact.max())
