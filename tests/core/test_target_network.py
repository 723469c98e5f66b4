"""TargetNetwork: the network itself with other parameters, from the state in which the rollout began."""

import numpy as np
import pytest

from a3c_numba.core.layers.recurrent_state import RecurrentState
from a3c_numba.core.networks import MLP, Convolutional
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.returns import Rollout
from a3c_numba.core.target_network import TargetNetwork

T = 4
SMALL = {"head_init": "fan_in_uniform"}
NETWORKS = {
    "MLP": (MLP(hidden=5, **SMALL), (3,)),
    "MLP recurrent": (MLP(hidden=5, recurrent=True, cells=4, **SMALL), (3,)),
    "Convolutional": (Convolutional(dense=6, **SMALL), (20, 20, 2)),
    "Convolutional recurrent": (Convolutional(dense=6, recurrent=True, cells=4, **SMALL), (20, 20, 2)),
}
RECURRENT = [name for name in NETWORKS if "recurrent" in name]


def problem(name, rows=T, seed=0):
    """A network, its parameters, a rollout of ``rows`` steps, and a state."""
    what, shape = NETWORKS[name]
    rng = np.random.default_rng(seed)
    network = what.build(shape, {"q": 3})
    theta = Parameters(network.shapes)
    network.init(theta.tree, rng)
    obs = rng.integers(256, size=(rows + 1, *shape)).astype(np.uint8) if len(shape) == 3 else \
        rng.normal(size=(rows + 1, *shape)).astype(np.float32)
    zeros = np.zeros(rows, np.float32)
    size = RecurrentState(network.cache(1, np.float32)).size
    return network, theta, Rollout(obs, zeros.astype(int), zeros, zeros, zeros.astype(int)), \
        rng.normal(size=size).astype(np.float32)


def by_the_network(network, theta, obs, state):
    """Row by row, as a player acts."""
    cache = network.cache(len(obs), np.float32)
    RecurrentState(cache).write(0, state)
    for t in range(len(obs)):
        network.forward(theta.tree, obs[t:t + 1], cache, slice(t, t + 1))
    return cache.y[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_with_the_same_parameters_it_says_what_the_network_says(name):
    network, theta, rollout, state = problem(name)
    q, = TargetNetwork(network, theta.flat, T + 1).outputs(rollout, 0, state)
    np.testing.assert_allclose(q, by_the_network(network, theta, rollout.obs, state), rtol=1e-5, atol=1e-6)
    assert q.shape == (T + 1, 3)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("first", [1, T])
def test_states_from_the_first_one_on_are_as_with_all(name, first):
    network, theta, rollout, state = problem(name)
    q, = TargetNetwork(network, theta.flat, T + 1).outputs(rollout, first, state)
    np.testing.assert_allclose(q[first:], by_the_network(network, theta, rollout.obs, state)[first:], rtol=1e-5,
                               atol=1e-6)


@pytest.mark.parametrize("name", RECURRENT)
def test_it_starts_each_rollout_from_the_given_state(name):
    network, theta, rollout, state = problem(name)
    target = TargetNetwork(network, theta.flat, T + 1)
    forgetful = target.outputs(rollout, 0, np.zeros_like(state))[0].copy()
    remembering = target.outputs(rollout, 0, state)[0].copy()
    assert (np.abs(forgetful - remembering)[0] > 1e-4).any()
    np.testing.assert_array_equal(target.outputs(rollout, 0, np.zeros_like(state))[0], forgetful)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_used_as_they_are(name):
    network, theta, rollout, state = problem(name)
    target = TargetNetwork(network, theta.flat, T + 1)
    before = target.outputs(rollout, 0, state)[0].copy()
    theta.flat *= 2                                                      # as when theta- is renewed
    after = target.outputs(rollout, 0, state)[0]
    assert (before != after).any()
    np.testing.assert_allclose(after, by_the_network(network, theta, rollout.obs, state), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_shorter_rollout_gets_as_many_rows(name):
    network, theta, rollout, state = problem(name, rows=2)
    target = TargetNetwork(network, theta.flat, T + 1)
    target.outputs(problem(name, seed=1)[2], 0, state)                   # leaves rows of a longer one behind
    q, = target.outputs(rollout, 2, state)
    assert q.shape == (3, 3)
    np.testing.assert_allclose(q[2], by_the_network(network, theta, rollout.obs, state)[2], rtol=1e-5, atol=1e-6)
