"""The page on one's own environment: its module, its wrapper and its wrappers' lines do what they say."""

import re
import sys
from pathlib import Path

import gymnasium
import pytest

import a3c_numba
from a3c_numba import Agent
from a3c_numba.envs.make import make
from tests.programs import program

PAGE = (Path(a3c_numba.__file__).parent / "docs/environments.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The blocks that begin with the module's name, one after the other, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_envs.py").write_text("\n".join(block for block in BLOCKS if block.startswith("# my_envs.py")))
    yield
    sys.modules.pop("my_envs", None)
    gymnasium.registry.pop("Maze-v0", None)


@pytest.mark.parametrize("name, arguments", [("my_envs:Maze-v0", []), ("my_envs:Maze", ["--env-kwargs", '{"size": 2}']),
                                             ("my_envs:maze", ["--env-kwargs", '{"limit": 50}'])])
def test_the_module_of_the_page_is_trained_and_evaluated(module, name, arguments):
    assert program("train", name, *arguments, "--workers", 1, "--hidden", 4, "--total-steps", 300, "--out", "run") == 0
    assert program("evaluate", "run", "--env", name, "--episodes", 1) == 0


def test_the_class_and_its_name_are_the_same_agent(module, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    from my_envs import Maze

    assert type(Agent(Maze).make_env().unwrapped) is type(Agent("my_envs:Maze-v0").make_env().unwrapped) is Maze
    assert Agent("my_envs:Maze", env_kwargs={"size": 8}).make_env().unwrapped.size == 8


def test_the_wrappers_of_the_page_make_spaces_supported():
    """Each line that begins with a wrapper's name, around an environment that needs it."""
    from gymnasium.spaces import Box, Dict, Discrete

    from tests.envs.test_spaces import Any, image

    needing = [Discrete(4), Dict({"speed": Box(0, 1, (2,)), "place": Box(0, 1, (1,)), "eye": image(84, 84, 3)}),
               image(4, 84, 84)]
    block = next(block for block in BLOCKS if "FilterObservation(env" in block)
    lines = [line for line in block.splitlines() if re.match(r"\w+\(env", line)]
    names: dict = {}
    exec("import numpy as np\n" + block.split("\n\n")[0], names)
    shapes = [make(lambda: eval(line, names | {"env": Any(space)})).observation_space.shape
              for line, space in zip(lines, needing, strict=True)]
    assert shapes == [(4,), (3,), (84, 84, 4)]
