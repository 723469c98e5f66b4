"""One worker against a straight-line NumPy run, number for number."""

import functools

import gymnasium
import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.core.algorithms import A3C
from a3c_numba.core.networks import MLP, Convolutional, initial_parameters
from a3c_numba.core.optimizers import RMSProp
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.toys import Corridor
from a3c_numba.training.collector_state import collector_state, restore

from tests import reference


class Dots(gymnasium.Env):
    """Random images; the reward is how much the action exceeds a random one; 7 steps, or 4 where the seed is odd.

    Even seeds terminate, odd ones truncate.
    """

    observation_space = gymnasium.spaces.Box(0, 255, (28, 20, 2), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.odd, self.left = seed % 2, 4 if seed % 2 else 7
        return self._image(), {}

    def step(self, action):
        self.left -= 1
        reward = float(action) - float(self.np_random.integers(3))
        return self._image(), reward, not self.left and not self.odd, not self.left and bool(self.odd), {}

    def _image(self):
        return self.np_random.integers(256, size=(28, 20, 2)).astype(np.uint8)


def config_of(env, network, total_steps, algorithm=A3C(), optimizer=RMSProp()):
    return Config(env, algorithm, optimizer, network, workers=1, total_steps=total_steps)


def begun(config, seed=11):
    """A worker in this process, its shared memory with theta drawn, and theta's values by name."""
    env = config.make_env()
    network = config.build_network(env)
    theta = initial_parameters(network, np.random.SeedSequence(5))
    shared = Shared(len(theta), 1)
    shared.theta[:] = theta
    return Worker(0, config, shared, np.random.SeedSequence(seed)), shared, Parameters(network.shapes, theta).named()


RUNS = {
    # several rollouts an episode, terminations only, the learning rate reaches 0 in the middle
    "Catch": (config_of("Catch", MLP(hidden=16, head_init="orthogonal"), 120, A3C(t_max=4),
                        RMSProp(learning_rate=1e-2)), reference.MLP(), 60),
    # whole episodes, terminations and truncations, lambda < 1, clipping, a lively optimiser
    "Corridor": (config_of(functools.partial(Corridor, length=2, truncates=True), MLP(hidden=8), 400,
                           A3C(t_max=20, gae_lambda=0.8, discount=0.9, clip_rewards=False, reward_scale=0.5),
                           RMSProp(learning_rate=5e-3, epsilon=1e-3, max_gradient_norm=0.5)), reference.MLP(), 60),
    # images, rewards clipped, both endings
    "Dots": (config_of(Dots, Convolutional("scale", dense=16), 60, A3C(t_max=5, entropy_weight=0.1)),
             reference.Convolutional(reference.scaled), 12),
    "Dots centered": (config_of(Dots, Convolutional("center", dense=16, body_init="he_normal", head_init="near_zero"),
                                60, A3C(t_max=3, gae_lambda=0.95)), reference.Convolutional(reference.centered), 12),
    # the paper's network on a game
    "Pong": (config_of("ALE/Pong-v5", Convolutional(), 1000, optimizer=RMSProp(learning_rate=0.02, epsilon=1e-5)),
             reference.Convolutional(reference.scaled), 3),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_worker_equals_a_straight_line_run(name):
    """The same actions, and the same numbers to float32's rounding.

    The twin computes in float64.  In float32 each update rounds theta by at most 6e-8 of itself, which hits what theta
    has moved much harder; gradients, sums over up to 2592 products, are good to about 1e-5 of the largest.  Ten times
    that is granted.  A wrong sign, a lost step or a term left out shows in the first two digits of the way moved.
    """
    config, network, updates = RUNS[name]
    worker, shared, theta = begun(config)
    before = {key: value.copy() for key, value in theta.items()}
    expected, g, log = reference.run_a3c(config.make_env(), network, before, config.algorithm, config.optimizer,
                                         np.random.SeedSequence(11), config.total_steps, updates)
    scores, finished = [], []
    for number, update in enumerate(log):
        made = worker.update()
        scores += [update.score] if update.ending else []
        finished += [made.episode.score] if made.episode else []
        assert made.steps == update.steps
        assert shared.global_step() == sum(step.steps for step in log[:number + 1])
        gauges = np.array([made.entropy, made.value, made.gradient_norm])
        wanted = np.array([update.entropy, update.value, update.norm])
        np.testing.assert_allclose(gauges[:2], wanted[:2], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(gauges[2], wanted[2], rtol=1e-4, atol=1e-6)
    final = Parameters(worker.network.shapes, np.array(shared.theta)).named()
    statistics = Parameters(worker.network.shapes, np.array(shared.statistics)).named()
    for key in expected:
        moved = np.abs(expected[key] - before[key]).max()
        rounding = updates * 6e-8 * max(1, np.abs(before[key]).max())
        assert moved > 10 * rounding
        np.testing.assert_allclose(final[key], expected[key], rtol=0, atol=1e-4 * moved + rounding, err_msg=key)
        np.testing.assert_allclose(statistics[key], g[key], rtol=0, atol=1e-4 * g[key].max(), err_msg=key)
    np.testing.assert_array_equal(finished, scores)
    np.testing.assert_array_equal(worker.local.flat, shared.theta)


def test_the_straight_line_runs_cover_what_they_are_for():
    def log_of(name):
        config, network, updates = RUNS[name]
        return reference.run_a3c(config.make_env(), network, begun(config)[2], config.algorithm, config.optimizer,
                                 np.random.SeedSequence(11), config.total_steps, updates)[2]

    catch, corridor, dots = log_of("Catch"), log_of("Corridor"), log_of("Dots")
    assert {step.ending for step in catch} == {"", "terminated"} and {step.steps for step in catch} == {1, 4}
    assert catch[0].eta == 1e-2 and catch[-1].eta == 0 and any(0 < step.eta < 1e-3 for step in catch)
    assert {step.ending for step in corridor} >= {"terminated", "truncated"}
    assert any(step.norm > 0.5 for step in corridor) and any(step.norm < 0.5 for step in corridor)
    assert {step.ending for step in dots} == {"", "terminated", "truncated"}


def test_every_update_reads_theta_anew_and_uses_a_gradient_once():
    worker, shared, _ = begun(config_of("Catch", MLP(hidden=8), 10**6))
    for _ in range(5):
        worker.update()
        assert not worker.d_theta.copy().any()
        np.testing.assert_array_equal(worker.local.flat, shared.theta)
    shared.theta[:] = 0                                                  # another worker's doing
    worker.update()
    assert np.abs(worker.local.flat).max() <= 1e-2                       # one step away from 0, not from what it was


def test_the_same_seed_makes_the_same_run():
    runs = []
    for seed in (1, 1, 2):
        worker, shared, _ = begun(config_of("Catch", MLP(hidden=8), 10**6), seed)
        for _ in range(10):
            worker.update()
        runs.append(shared.theta.copy())
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_a_worker_that_is_given_a_state_goes_on_exactly_there():
    config = config_of("Catch", MLP(hidden=8), 10**6)
    worker, shared, _ = begun(config)
    for _ in range(7):
        worker.update()
    other, memory, _ = begun(config, seed=77)
    memory.theta[:], memory.statistics[:], memory.clock[:] = shared.theta, shared.statistics, shared.clock
    other.local.flat[:] = memory.theta
    restore(other.collector, collector_state(worker.collector))
    for _ in range(7):
        worker.update()
        other.update()
    np.testing.assert_array_equal(memory.theta, shared.theta)
