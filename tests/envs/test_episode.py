"""EpisodeEnv: what it replaces, what it counts, how it replays, and whose errors it signs."""

import gymnasium
import numpy as np
import pytest

from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.envs.toys import Catch, Corridor
from tests.faults.environments import Odd


def rewards_of(odd, steps=8):
    """The rewards of the first episode, action 0 at each step; the environment pays 1."""
    env = EpisodeEnv(odd)
    env.reset(seed=0)
    return env, [env.step(0)[1] for _ in range(steps)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_observation_spoils_the_rewards_on_both_sides(bad):
    for moment, spoiled in ((0.5, {1}), (3, {3, 4}), (8, {8})):
        env, rewards = rewards_of(Odd({moment: np.float32([0, bad, 1])}))
        assert {k for k, reward in enumerate(rewards, 1) if np.isnan(reward)} == spoiled
        assert env.score == 8 and env.length == 8                        # what was paid


def test_a_bad_observation_does_not_spoil_the_next_episode():
    env, _ = rewards_of(Odd({8: np.full(3, np.nan, np.float32)}))
    env.reset(seed=1)
    assert env.step(0)[1] == 1 and (env.score, env.length) == (1, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_reward_is_nan_and_is_paid_as_it_is(bad):
    env, rewards = rewards_of(Odd(rewards={5: bad}), 5)
    np.testing.assert_array_equal(rewards, [1, 1, 1, 1, np.nan])
    np.testing.assert_array_equal([env.reward, env.score], [bad, bad])


def test_the_environments_own_array_is_left_alone():
    given = np.float32([np.nan, 1, 2])
    env = EpisodeEnv(Odd({0.5: given}))
    assert env.reset(seed=0)[0].tolist() == [0, 1, 2] and np.isnan(given[0])


def test_a_replayed_episode_stands_where_it_stood():
    env, other = EpisodeEnv(Catch()), EpisodeEnv(Catch())
    env.reset(seed=7)
    for action in (0, 2, 1):
        obs, *_ = env.step(action)
    other.reset(seed=1)
    again, goes_on = other.replay(7, [0, 2, 1])
    assert goes_on and (other.length, other.score) == (env.length, env.score)
    np.testing.assert_array_equal(again, obs)


def test_a_replay_ends_with_the_episode():
    env = EpisodeEnv(Odd(length=3))
    assert not env.replay(0, [0] * 5)[1] and env.length == 3


class Broken(gymnasium.Wrapper):
    """Fails in every method."""

    def reset(self, **options):
        raise ArithmeticError

    def step(self, action):
        raise ArithmeticError

    def render(self):
        raise ArithmeticError

    def close(self):
        raise ArithmeticError


CALLS = {"reset": lambda env: env.reset(seed=0), "step": lambda env: env.step(0), "render": lambda env: env.render()}


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_the_environment_has_its_name(call):
    with pytest.raises(ArithmeticError) as error:
        CALLS[call](EpisodeEnv(Broken(Odd()), "Odd-v0"))
    assert error.value.environment == "Odd-v0"


def test_an_error_of_a_toy_is_the_packages_own():
    env = EpisodeEnv(Corridor(), "Corridor")
    env.reset(seed=0)
    with pytest.raises(ValueError) as error:
        env.step(99)
    assert not hasattr(error.value, "environment")


def test_what_does_not_fit_is_no_error_of_the_environments_code():
    with pytest.raises(ValueError, match="^the environment gave an observation of type NoneType at the reset") as error:
        EpisodeEnv(Odd({0.5: None}), "Odd-v0").reset(seed=0)
    assert not hasattr(error.value, "environment")


@pytest.mark.parametrize("result, given", [
    ((np.zeros(3, np.float32), 1.0, False, {}), "4 values"), (None, "a value of type NoneType"),
])
def test_a_step_of_the_old_interface_is_one_line(result, given):
    env = EpisodeEnv(Odd())
    env.reset(seed=0)
    env.env.step = lambda action: result
    with pytest.raises(ValueError, match=f"^the environment's step returned {given}; gymnasium's returns 5: obs"):
        env.step(0)


def test_a_reset_of_the_old_interface_is_one_line():
    env = EpisodeEnv(Odd())
    env.env.reset = lambda **options: np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="^the environment's reset returned a value of type ndarray; gymn.*returns 2"):
        env.reset(seed=0)
