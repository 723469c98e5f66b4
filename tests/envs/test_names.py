"""What the name of an environment stands for: games by their entry point, factories of modules, everything else."""

import subprocess
import sys

import gymnasium
import pytest

from a3c_numba.cli import hyperparameter_options
from a3c_numba.envs.atari import Atari
from a3c_numba.envs.make import MissingPackage, UnknownEnvironment, make
from a3c_numba.envs.names import family, is_atari
from a3c_numba.presets import configure
from a3c_numba.report.tables import family as family_of_report

MODULE = '''
import gymnasium
from a3c_numba.envs.toys import Catch, Corridor

class Wide(Catch):
    """A class, with a keyword."""
    def __init__(self, columns=5, render_mode=None):
        super().__init__(columns=columns)
        self.render_mode = render_mode

def wrapped(limit=3):
    return gymnasium.wrappers.TimeLimit(Corridor(length=9), limit)

nothing = 5
def no_env():
    return 5

gymnasium.register("Narrow-v0", entry_point=Wide, kwargs={"columns": 2}, max_episode_steps=4)
gymnasium.register("Wide", entry_point=Wide, kwargs={"columns": 4})
gymnasium.register("Ball-v0", entry_point="ale_py.env:AtariEnv", kwargs={"game": "pong", "frameskip": 1})
gymnasium.register("NotPongNoFrameskip-v4", entry_point=Wide)
'''
NAMES = ("Narrow-v0", "Wide", "Ball-v0", "NotPongNoFrameskip-v4")


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "own_envs.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_envs"
    sys.modules.pop("own_envs", None)
    for name in NAMES:
        gymnasium.registry.pop(name, None)


@pytest.mark.parametrize("name", ["ALE/Pong-v5", "Pong-v4", "Pong-v0", "PongNoFrameskip-v4", "PongNoFrameskip-v0",
                                  "ale_py:ALE/Pong-v5", "ale_py:Pong-v4"])
def test_a_game_is_a_game_in_every_form_of_its_id(name):
    env = make(name)
    assert isinstance(env, Atari) and env.observation_space.shape == (84, 84, 4) and family(name) == "atari"
    assert configure(name).network == configure("ALE/Pong-v5").network


def test_the_game_is_taken_from_the_entry_and_not_from_the_name(module):
    env = make(f"{module}:Ball-v0")
    assert isinstance(env, Atari) and env.action_names == make("ALE/Pong-v5").action_names
    assert is_atari("Ball-v0") and not is_atari(f"{module}:NotPongNoFrameskip-v4")
    assert make(f"{module}:NotPongNoFrameskip-v4").observation_space.shape == (50,)


@pytest.mark.parametrize("name", ["Pong", "ALE/Pong", "ale_py:Pong"])
def test_a_game_without_a_version_is_no_raw_screen(name, recwarn):
    with pytest.raises(UnknownEnvironment, match="ALE/Pong-v5"):
        make(name)
    assert not recwarn.list


def test_ram_is_a_vector_and_not_a_game():
    env = make("ALE/Pong-v5", env_kwargs={"obs_type": "ram"})
    obs, _ = env.reset(seed=0)
    assert obs.shape == (128,) and obs.max() <= 1 and family("ALE/Pong-v5", {"obs_type": "ram"}) == "gym"


@pytest.mark.parametrize("name", ["", "Catch", "CartPole-v1", "nothing", "own_envs:Ball-v0", "ALE/", ":", "Maze.make"])
def test_all_else_is_no_game(name):
    assert family(name) == family_of_report(name) == "gym"


def test_other_arguments_of_a_game_name_its_settings():
    with pytest.raises(UnknownEnvironment, match=r"got {'mode': 1}: give atari=AtariSettings\(...\)$") as error:
        make("ALE/Pong-v5", env_kwargs={"mode": 1})
    assert error.value.typed.endswith("got {'mode': 1}: give --frame-skip, --sticky, ...")


def test_a_module_has_factories_and_ids(module):
    assert make(f"{module}:Wide").observation_space.shape == (40,)      # its id, before its class
    assert make(f"{module}:Narrow-v0").observation_space.shape == (20,)
    assert make(f"{module}:wrapped", env_kwargs={"limit": 7}).get_wrapper_attr("_max_episode_steps") == 7
    assert make(f"{module}:Corridor", env_kwargs={"length": 7}).observation_space.shape == (7,)


def test_a_factory_that_takes_a_render_mode_is_given_it(module):
    assert make(f"{module}:Catch", render_mode="rgb_array").render_mode is None
    gymnasium.registry.pop("Wide", None)
    __import__(module)
    gymnasium.registry.pop("Wide", None)
    assert make(f"{module}:Wide", render_mode="rgb_array").render_mode == "rgb_array"


@pytest.mark.parametrize("name, line", [("nothing", "no environment is called"), ("Mazz", "no environment is called"),
                                        ("no_env", "a factory must make a gymnasium environment; got 5")])
def test_what_is_no_factory_is_one_line(module, name, line):
    with pytest.raises(UnknownEnvironment, match=line) as caught:
        make(f"{module}:{name}")
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_found_names_pythonpath():
    with pytest.raises(MissingPackage, match="No module named 'no_envs'; set PYTHONPATH to its folder"):
        make("no_envs:Maze")


@pytest.mark.parametrize("env, kwargs, reason", [
    ("CartPole-v1", {"gravity": 1}, "TypeError.*gravity"), ("Corridor", {"length": 0}, "length must be .*got 0"),
    ("Catch", {"rows": 10**9}, "rows must be a whole number from 2 to 200"), ("Aim", {"x": 1}, "unexpected keyword"),
    ("Pendulum-v1", {"id": 1}, "TypeError"), ("FrozenLake-v1", {"map_name": "9x9"}, "KeyError"),
])
def test_wrong_arguments_are_one_line(env, kwargs, reason):
    with pytest.raises(UnknownEnvironment, match=f"cannot be made with .*{reason}") as caught:
        make(env, env_kwargs=kwargs)
    assert "\n" not in str(caught.value)


def test_settings_of_games_apply_to_every_form_of_their_ids():
    config = hyperparameter_options.apply(configure("Pong-v4"), {"frame_stack": 2})
    assert config.make_env().observation_space.shape == (84, 84, 2)


def test_the_emulator_is_not_imported_for_other_names():
    code = ("import sys; from a3c_numba.envs.names import family; "
            "print([family(name) for name in ('Catch', 'CartPole-v1', 'a:b')], 'ale_py' in sys.modules)")
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "['gym', 'gym', 'gym'] False"
