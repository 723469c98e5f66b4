"""The toys' rules, and the best returns that their docstrings promise."""

import pickle

import numpy as np
import pytest

from a3c_numba.envs.make import TOYS
from a3c_numba.envs.toys import Aim, Catch, Corridor, Memory


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


class Remembers:
    """Answers with the cue, which it has seen once."""

    def __call__(self, obs):
        if obs[:2].any():
            self.cue = int(obs[1])
        return self.cue


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_memory_can_always_be_won_by_who_remembers(seed, length):
    assert best_return(Memory(length), Remembers(), seed) == (1.0, True, False)


@pytest.mark.parametrize("answer", [0, 1])
def test_memory_shows_a_cue_once_and_asks_at_the_end(answer):
    env, cues = Memory(4), []
    for seed in range(20):
        seen = [env.reset(seed=seed)[0]]
        steps = [env.step(action) for action in (1 - answer, answer, 1 - answer, answer)]
        seen += [step[0] for step in steps]
        cues.append(int(seen[0][1]))
        np.testing.assert_array_equal(seen[:4], [np.eye(3)[cues[-1]], [0, 0, 0], [0, 0, 0], [0, 0, 1]])
        assert [step[1] for step in steps] == [0, 0, 0, 1.0 if answer == cues[-1] else -1.0]
        assert [step[2] for step in steps] == [False] * 3 + [True] and not any(step[3] for step in steps)
    assert set(cues) == {0, 1}


@pytest.mark.parametrize("truncates", [False, True])
@pytest.mark.parametrize("continuous", [False, True])
def test_aim_best_return_and_end(continuous, truncates):
    def policy(obs):
        place = int(obs.argmax())
        return np.array([place - 1], np.float32) if continuous else place
    env = Aim(length=6, continuous=continuous, truncates=truncates)
    assert best_return(env, policy, 0) == (6.0, not truncates, truncates)


def test_aim_shows_every_place():
    env = Aim(length=40)
    seen = [env.reset(seed=0)[0]] + [env.step(0)[0] for _ in range(39)]
    assert {int(obs.argmax()) for obs in seen} == {0, 1, 2} and all(obs.sum() == 1 for obs in seen)


def test_aim_a_miss_earns_nothing_or_as_much_less_as_it_is_off():
    discrete, continuous = Aim(), Aim(continuous=True)
    place = int(discrete.reset(seed=1)[0].argmax())
    assert discrete.step((place + 1) % 3)[1] == 0
    for distance, reward in ((0, 1), (0.25, 0.75), (-0.25, 0.75), (1, 0), (-1.75, -0.75)):
        place = int(continuous.reset(seed=1)[0].argmax())
        assert continuous.step(np.array([place - 1 + distance]))[1] == pytest.approx(reward)


@pytest.mark.parametrize("name", TOYS)
def test_toys_are_picklable_and_deterministic(name):
    one = TOYS[name]()
    other = pickle.loads(pickle.dumps(one))
    one.action_space.seed(3)
    actions = [one.action_space.sample() for _ in range(3)]
    for env in (one, other):
        env.seen = [env.reset(seed=5)[0]]
        for action in actions:
            obs, reward, terminated, truncated, _ = env.step(action)
            env.seen += [obs, reward, terminated, truncated]
            if terminated or truncated:
                break
    for a, b in zip(one.seen, other.seen, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [name for name in TOYS if name != "AimContinuous"])
def test_toys_refuse_unknown_actions(name):
    env = TOYS[name]()
    env.reset(seed=5)
    for action in (-1, env.action_space.n):
        with pytest.raises(ValueError, match=f"outside 0 .. {env.action_space.n - 1}"):
            env.step(action)
