"""The toys' rules, and the best returns that their docstrings promise."""

import pickle

import numpy as np
import pytest

from a3c_numba.envs import TOYS
from a3c_numba.envs.toys import Catch, Corridor


def best_return(env, policy, seed):
    obs, _ = env.reset(seed=seed)
    total, ended = 0.0, False
    while not ended:
        obs, reward, terminated, truncated, _ = env.step(policy(obs))
        assert env.observation_space.contains(obs)
        total, ended = total + reward, terminated or truncated
    return total, terminated, truncated


def follow_the_ball(obs):
    board = obs.reshape(10, 5)
    ball = int(board[:-1].sum(0).argmax())
    return 1 + int(np.sign(ball - int(board[-1].argmax())))


@pytest.mark.parametrize("seed", range(10))
def test_catch_can_always_be_won(seed):
    assert best_return(Catch(), follow_the_ball, seed) == (1.0, True, False)


def test_catch_lasts_nine_steps_and_a_miss_costs_one():
    env = Catch()
    obs, _ = env.reset(seed=0)
    away = 2 if obs.reshape(10, 5)[0].argmax() < 3 else 0
    steps = [env.step(away) for _ in range(9)]
    assert [step[2] for step in steps] == [False] * 8 + [True]
    assert [step[1] for step in steps] == [0.0] * 8 + [-1.0]


@pytest.mark.parametrize("truncates", [False, True])
def test_corridor_best_return_and_end(truncates):
    env = Corridor(truncates=truncates)
    assert best_return(env, lambda obs: int(obs.argmax()) % 3, 0) == (1.0, not truncates, truncates)


def test_corridor_leads_back_to_its_first_place():
    env = Corridor(length=4, truncates=True)
    first, _ = env.reset(seed=0)
    last = [env.step(action) for action in (0, 1, 2, 0)][-1]
    np.testing.assert_array_equal(last[0], first)


@pytest.mark.parametrize("truncates", [False, True])
def test_corridor_a_wrong_action_terminates_without_reward(truncates):
    env = Corridor(truncates=truncates)
    env.reset(seed=0)
    env.step(0)
    assert env.step(0)[1:4] == (0.0, True, False)


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_picklable_deterministic_and_refuse_unknown_actions(name):
    one = TOYS[name]()
    other = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one.reset(seed=5)[0], other.reset(seed=5)[0])
    for action in (-1, 3):
        with pytest.raises(ValueError, match="outside 0 .. 2"):
            one.step(action)
