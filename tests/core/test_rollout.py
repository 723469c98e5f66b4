"""Rollouts and the RolloutCollector: where they end, what they hold, and that they can be gone on with."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from a3c_numba.core.algorithms import A3C
from a3c_numba.core.layers.recurrent_state import RecurrentState
from a3c_numba.core.networks import MLP, initial_parameters
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.rollout import RolloutCollector
from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.envs.toys import Aim, Catch, Corridor
from a3c_numba.system.nonfinite import zero_nonfinite
from a3c_numba.training.collector_state import collector_state, restore


RECURRENT = MLP(hidden=8, layers=1, recurrent=True, cells=6, head_init="orthogonal")


class Scripted(gymnasium.Env):
    """Episodes of ``length`` steps that count: observation k after k steps, reward 10 k, the end as asked for."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, length, terminates):
        self.length, self.terminates, self.seeds = length, terminates, []

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self.k = 0
        return np.array([0], np.float32), {}

    def step(self, action):
        self.k += 1
        obs, ended = np.array([self.k], np.float32), self.k == self.length
        return obs, 10.0 * self.k, ended and self.terminates, ended and not self.terminates, {}


def player_of(env, seed=0, network=MLP(hidden=8, head_init="orthogonal"), **algorithm):
    """A RolloutCollector and theta for it."""
    a3c = A3C(**algorithm)
    rng = np.random.default_rng(seed)
    distribution = a3c.behaviour_policy(env.action_space, rng)
    network = network.build(env.observation_space.shape, a3c.heads(distribution))
    theta = Parameters(network.shapes, initial_parameters(network, np.random.SeedSequence(1)))
    return RolloutCollector(EpisodeEnv(env), a3c, network, distribution, rng), theta.tree


def snapshot(played):
    """A copy of what ``collect`` returned."""
    rollout, outputs, episode = played
    copies = [np.array(part) for part in (*rollout[:4], *outputs)]
    return copies, bool(rollout.discounts[-1] == 0), episode


def assert_same(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[1:] == other[1:]


def test_an_episode_is_cut_into_rollouts_that_end_with_it():
    collector, theta = player_of(Scripted(7, terminates=True), t_max=3)
    seen = [snapshot(collector.collect(theta)) for _ in range(6)]
    assert [[int(k) for k in copies[0][:, 0]] for copies, _, _ in seen] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7]] * 2
    assert [terminated for _, terminated, _ in seen] == [False, False, True] * 2
    assert [episode for _, _, episode in seen] == [None, None, (280.0, 7)] * 2
    assert len(collector.env.unwrapped.seeds) == 2


@pytest.mark.parametrize("t_max", [1, 4, 20])
def test_T_steps_have_T_plus_1_observations_and_outputs(t_max):
    collector, theta = player_of(Catch(), t_max=t_max)
    for _ in range(12):
        rollout, (logits, values), _ = collector.collect(theta)
        T = rollout.length
        assert 1 <= T <= t_max
        assert {len(rollout.actions), len(rollout.rewards), len(rollout.discounts)} == {T}
        assert {len(rollout.obs), len(logits), len(values)} == {T + 1}


def test_a_termination_has_discount_0_and_a_truncation_keeps_it():
    for terminates, last in ((True, 0.0), (False, 0.5)):
        collector, theta = player_of(Scripted(2, terminates), t_max=5, discount=0.5)
        rollout, _, episode = collector.collect(theta)
        np.testing.assert_array_equal(rollout.discounts, [0.5, last])
        assert (rollout.discounts[-1] == 0) == terminates and episode == (30.0, 2)
        assert rollout.obs[-1, 0] == 2                                   # what it is bootstrapped from


def test_a_rollout_that_is_full_at_the_end_ends_the_episode():
    collector, theta = player_of(Scripted(3, terminates=False), t_max=3)
    assert [collector.collect(theta)[2] for _ in range(2)] == [(60.0, 3)] * 2


@pytest.mark.parametrize("clip, scale, rewards", [(True, 1.0, [1, 1]), (False, 1.0, [10, 20]), (True, 0.5, [0.5, 0.5]),
                                                  (False, 0.5, [5, 10])])
def test_rewards_are_clipped_and_scaled_but_scores_are_not(clip, scale, rewards):
    collector, theta = player_of(Scripted(2, True), clip_rewards=clip, reward_scale=scale)
    rollout, _, episode = collector.collect(theta)
    np.testing.assert_array_equal(rollout.rewards, rewards)
    assert episode.score == 30


def test_outputs_are_what_the_network_says_of_the_observations():
    collector, theta = player_of(Catch(), t_max=5)
    for _ in range(4):
        rollout, outputs, _ = collector.collect(theta)
        T = rollout.length
        again = collector.network.forward(theta, rollout.obs, collector.network.cache(T + 1, np.float32),
                                          slice(0, T + 1))
        for one, other in zip(outputs, again):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_a_rollout_can_be_replayed_from_its_seed_and_actions():
    collector, theta = player_of(Catch(), t_max=20)
    rollout, _, _ = collector.collect(theta)
    env = Catch()
    obs, _ = env.reset(seed=int(np.random.default_rng(0).integers(2**31)))
    for t, action in enumerate(rollout.actions):
        np.testing.assert_array_equal(obs, rollout.obs[t])
        obs, reward, *_ = env.step(int(action))
        assert reward == rollout.rewards[t]
    np.testing.assert_array_equal(obs, rollout.obs[-1])


def test_episodes_begin_with_seeds_of_their_own():
    collector, theta = player_of(Scripted(1, True))
    for _ in range(20):
        collector.collect(theta)
    assert len(set(collector.env.unwrapped.seeds)) == 20


def test_the_same_seed_plays_the_same_and_another_seed_another():
    played = []
    for seed in (3, 3, 4):
        collector, theta = player_of(Catch(), seed)
        played.append([snapshot(collector.collect(theta)) for _ in range(6)])
    for one, other in zip(*played[:2]):
        assert_same(one, other)
    assert any((a[0][1] != b[0][1]).any() for a, b in zip(played[0], played[2]) if len(a[0][1]) == len(b[0][1]))


def test_a_recurrent_state_spans_rollouts_but_not_episodes():
    collector, theta = player_of(Scripted(7, terminates=True), network=RECURRENT, t_max=3)
    whole = collector.network.cache(8, np.float32)
    obs = np.arange(8, dtype=np.float32)[:, None]
    logits, values = collector.network.forward(theta, obs, whole, slice(0, 8))       # from zeros, in one go
    for begun in (0, 3, 6) * 2:
        rollout, outputs, _ = collector.collect(theta)
        assert collector.recurrent.read(0).any() == (begun > 0)
        np.testing.assert_allclose(collector.recurrent.read(0), RecurrentState(whole).read(begun), rtol=1e-5, atol=1e-6)
        for one, other in zip(outputs, (logits, values)):
            np.testing.assert_allclose(one, other[begun:begun + rollout.length + 1], rtol=1e-5, atol=1e-6)


def test_continuous_actions_are_kept_as_drawn_and_run_in_the_box():
    executed = []
    env = Aim(continuous=True, length=50)
    env.action_space = Box(-1, 1, (1,), np.float32)                      # narrow, so that many draws are outside
    step = env.step
    env.step = lambda action: (executed.append(np.array(action)), step(action))[1]
    collector, theta = player_of(env, t_max=50)
    rollout, _, _ = collector.collect(theta)
    assert rollout.actions.shape == (50, 1) and rollout.actions.dtype == np.float32
    assert (np.abs(rollout.actions) > 1).any()
    np.testing.assert_array_equal(np.array(executed), np.clip(rollout.actions, -1, 1))


MAKERS = {"Catch": Catch, "Corridor": lambda: Corridor(length=2, truncates=True),
          "AimContinuous": lambda: Aim(continuous=True, length=6)}


@pytest.mark.parametrize("k", [0, 1, 2, 3, 8])
@pytest.mark.parametrize("network", [MLP(hidden=8, head_init="orthogonal"), RECURRENT], ids=["mlp", "recurrent"])
@pytest.mark.parametrize("name", MAKERS)
def test_restore_goes_on_exactly_where_state_was_taken(name, network, k):
    make = MAKERS[name]
    collector, theta = player_of(make(), network=network, t_max=4)
    for _ in range(k):
        collector.collect(theta)
    state = json.loads(json.dumps(collector_state(collector)))           # as it comes out of a checkpoint
    expected = [snapshot(collector.collect(theta)) for _ in range(10)]
    other, _ = player_of(make(), seed=99, network=network, t_max=4)
    other.collect(theta)                                                 # and whatever was there before does not matter
    restore(other, state)
    for wanted in expected:
        assert_same(snapshot(other.collect(theta)), wanted)


@pytest.mark.kernel
@pytest.mark.parametrize("given, mended", [([1, np.nan, 2], [1, 0, 2]), ([np.inf, -np.inf, np.nan], [0, 0, 0]),
                                           ([3e38, -1e-45, -0.0], None), ([], None), ([np.nan], [0])])
def test_only_what_is_not_finite_is_mended(given, mended):
    x = np.array(given, np.float32)
    before = x.tobytes()
    assert zero_nonfinite(x) == (mended is not None)
    assert x.tobytes() == before if mended is None else x.tolist() == mended


def test_a_bad_number_becomes_0_and_the_rewards_beside_it_nan():
    env = Scripted(7, terminates=True)
    step = env.step

    def broken(action):
        obs, *rest = step(action)
        return np.array([np.nan if env.k == 2 else env.k], np.float32), *rest
    env.step = broken
    collector, theta = player_of(env, t_max=3)
    seen = [snapshot(collector.collect(theta)) for _ in range(3)]
    assert [copies[0][:, 0].tolist() for copies, _, _ in seen] == [[0, 1, 0, 3], [3, 4, 5, 6], [6, 7]]
    assert [np.isnan(copies[2]).tolist() for copies, _, _ in seen] == [[False, True, True], [False] * 3, [False]]
    assert all(np.isfinite(output).all() for copies, _, _ in seen for output in copies[4:])
    assert seen[-1][2] == (280.0, 7)
