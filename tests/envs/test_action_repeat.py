"""An action held: rewards add up, no episode's end is stepped over, every way of asking for it is the same."""

import dataclasses

import gymnasium
import numpy as np
import pytest

from a3c_numba import Agent, AtariSettings, GymSettings
from a3c_numba.cli.main import main
from a3c_numba.config import Config
from a3c_numba.envs.make import make
from a3c_numba.envs.toys import Memory
from a3c_numba.presets import configure


def test_one_step_is_as_many_of_the_environments():
    held, plain = make("Pendulum-v1", GymSettings(action_repeat=4)), make("Pendulum-v1")
    held.reset(seed=3), plain.reset(seed=3)
    obs, reward, *_ = held.step(np.array([1.5], np.float32))
    steps = [plain.step(np.array([1.5], np.float32)) for _ in range(4)]
    np.testing.assert_array_equal(obs, steps[-1][0])
    assert reward == pytest.approx(sum(step[1] for step in steps), rel=1e-12) and reward != steps[0][1]


def test_it_stops_where_the_episode_does():
    env = make(lambda: Memory(length=4), GymSettings(action_repeat=10))
    env.reset(seed=0)
    _, reward, terminated, truncated, _ = env.step(1)
    alone = Memory(length=4)
    alone.reset(seed=0)
    steps = [alone.step(1)]
    while not (steps[-1][2] or steps[-1][3]):
        steps.append(alone.step(1))
    assert 1 < len(steps) < 10 and (terminated, truncated) == steps[-1][2:4]
    assert reward == pytest.approx(sum(step[1] for step in steps))


def test_a_time_limit_counts_the_environments_own_steps():
    env = make("MountainCar-v0", GymSettings(action_repeat=8))
    env.reset(seed=0)
    ends = [env.step(1)[2:4] for _ in range(25)]
    assert ends[-2:] == [(False, False), (False, True)]


def test_the_configuration_has_it_and_reads_files_without_it():
    config = configure("CartPole-v1", gym=GymSettings(action_repeat=3))
    assert config.make_env().times == 3
    assert Config.from_json(config.to_json()) == config
    fields = dataclasses.asdict(GymSettings())
    assert fields == {"action_repeat": 1}
    old = configure("CartPole-v1").to_json().replace('"gym": {\n    "name": "gym",\n    "action_repeat": 1\n  },', "")
    assert '"gym": {' not in old and Config.from_json(old) == configure("CartPole-v1")


def test_an_agent_plays_with_it():
    agent = Agent("MountainCar-v0", gym=GymSettings(action_repeat=8))
    assert agent.evaluate(1).tolist() == [-200.0]


def test_the_games_have_their_own():
    config = configure("ALE/Pong-v5", atari=AtariSettings(frame_skip=2), gym=GymSettings(action_repeat=3))
    assert not isinstance(config.make_env(), gymnasium.Wrapper) and config.make_env().settings.frame_skip == 2


@pytest.mark.parametrize("arguments, said", [
    (["CartPole-v1", "--action-repeat", "0"], "action_repeat must be at least 1; got 0"),
    (["ALE/Pong-v5", "--action-repeat", "2"],
     "--action-repeat is a hyper-parameter of gym, which this run does not use"),
    (["CartPole-v1", "--frame-skip", "2"], "--frame-skip is a hyper-parameter of atari, which this run does not use"),
])
def test_the_command_line_refuses_what_means_nothing(arguments, said, capsys):
    assert main(["train", *arguments]) == 2
    assert said in capsys.readouterr().err
