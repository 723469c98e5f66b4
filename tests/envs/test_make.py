"""One way in: ids, factories, and errors that fit on a line."""

import subprocess
import sys
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from a3c_numba.envs.atari import Atari, AtariSettings
from a3c_numba.envs.make import TOYS, MissingPackage, UnknownEnvironment, UnsupportedSpace, check_spaces, make
from a3c_numba.envs.toys import Corridor


class Spaces(gymnasium.Env):
    """Nothing but two spaces."""

    def __init__(self, observation_space=Box(0, 1, (3,)), action_space=Discrete(2)):
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}


def test_toys_by_id_and_factories():
    assert type(make("Catch")) is TOYS["Catch"]
    assert make(partial(Corridor, length=7)).length == 7


def test_games_take_settings():
    env = make("ALE/Pong-v5", AtariSettings(frame_stack=2), render_mode="rgb_array")
    assert isinstance(env, Atari) and env.observation_space.shape == (84, 84, 2) and env.render_mode == "rgb_array"
    assert isinstance(make("PongNoFrameskip-v4"), Atari)


def test_a_time_limit_stays_a_truncation():
    env = make("MountainCar-v0")
    env.reset(seed=0)
    ends = [env.step(1)[2:4] for _ in range(200)]
    assert ends[-2:] == [(False, False), (False, True)]


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int64])
def test_vectors_come_as_float32(dtype):
    env = make(partial(Spaces, Box(0, 100, (3,), dtype)))
    obs, _ = env.reset()
    assert obs.dtype == np.float32 and env.observation_space.contains(obs)


@pytest.mark.parametrize(
    "name, near",
    [
        ("pong", "ALE/Pong-v5"),
        ("ALE/Pong", "ALE/Pong-v5"),
        ("ALE/Breakot-v5", "ALE/Breakout-v5"),
        ("CartPol-v1", "CartPole-v1"),
        ("Cach", "Catch"),
    ],
)
def test_an_unknown_id_names_near_ones(name, near):
    with pytest.raises(UnknownEnvironment) as caught:
        make(name)
    assert near in str(caught.value) and name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Zzzzqq", "", "not an id!", "CartPole-v99", "ALE/Pong"])
def test_other_wrong_ids_are_unknown_too(name):
    with pytest.raises(UnknownEnvironment) as caught:
        make(name)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_one_line():
    with pytest.raises(MissingPackage) as caught:
        make("no_such_package_of_environments:Some-v0")
    assert "no_such_package_of_environments" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "env",
    [
        Spaces(action_space=Box(-1, 1, (2, 2))),
        Spaces(action_space=Box(-1, 1, ())),
        Spaces(action_space=Box(0, 9, (2,), np.int64)),
        Spaces(action_space=MultiDiscrete([2, 3])),
        Spaces(action_space=MultiBinary(3)),
        Spaces(observation_space=Discrete(4)),
        Spaces(observation_space=Box(0, 1, (4, 4))),
        Spaces(observation_space=Box(0, 1, (4, 4, 3), np.float32)),
    ],
)
def test_an_unsupported_space_is_named_on_one_line(env):
    with pytest.raises(UnsupportedSpace, match="supported are Discrete") as caught:
        check_spaces(env)
    assert "\n" not in str(caught.value)
    with pytest.raises(UnsupportedSpace):
        make(lambda: env)


@pytest.mark.parametrize("actions", [Box(-1, 1, (2,)), Box(-np.inf, np.inf, (1,)), Box(-1, 1, (3,), np.float64)])
def test_actions_may_be_real_numbers(actions):
    assert make(partial(Spaces, action_space=actions)).action_space == actions


def test_neither_the_emulator_nor_opencv_is_imported_unasked():
    code = "import sys, a3c_numba.envs.make as e; e.make('CartPole-v1'); print({'cv2', 'ale_py'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"


def test_an_environment_without_spaces_is_one_line():
    class Empty(gymnasium.Env):
        pass

    with pytest.raises(UnsupportedSpace, match=r"^the environment <Empty.*> has no action_space: set it in"):
        make(Empty)


def test_an_environment_that_is_made_already_is_one_line():
    with pytest.raises(UnknownEnvironment, match="; got <.*Catch.*>, which is made already: each worker"):
        make(TOYS["Catch"]())


def test_a_misspelt_factory_names_near_ones_of_its_module():
    with pytest.raises(UnknownEnvironment, match=r"'tests.programs:chanches'; did you mean tests.programs:chances"):
        make("tests.programs:chanches")
