"""Environments with faults of their own: close raises, sys.exit anywhere, a port for each process."""

import functools
import sys

import gymnasium
import numpy as np
import pytest

from a3c_numba import Agent
from a3c_numba.core.networks import MLP
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.envs.make import EnvironmentFailed, make
from a3c_numba.evaluation import EvaluationSettings, evaluate
from a3c_numba.playback import play_frames
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load_fitting, save
from a3c_numba.system import terminal
from a3c_numba.training.trainer import initial_checkpoint
from a3c_numba.training.worker_process import main
from a3c_numba.training.worker_status import WorkerStatus
from tests.programs import Chances, program, small
from tests.training.test_worker_process import Pipe, register  # noqa: F401  a fixture

pytestmark = pytest.mark.faults


class Unclosed(Chances):
    """Its ``close`` fails: always, or only before the first reset."""

    def __init__(self, error=AttributeError("no window"), always=False):
        super().__init__()
        self.error, self.always = error, always

    def close(self):
        if self.always or not hasattr(self, "t"):
            raise self.error


@pytest.mark.parametrize("error", [AttributeError("no\nwindow"), SystemExit(3), OSError("gone")])
def test_a_close_that_fails_is_one_line_and_nothing_else(caplog, error):
    terminal.log_once.cache_clear()
    agent = Agent(functools.partial(Unclosed, error), "a3c", network=MLP(hidden=2))
    assert len(agent.evaluate(1)) == 1
    line, = caplog.messages
    assert line.startswith("closing the environment ") and type(error).__name__ in line and "\n" not in line


def test_a_worker_trains_what_cannot_be_closed(register):  # noqa: F811
    config, pipe = small(functools.partial(Unclosed, SystemExit(3), True), total_steps=20), Pipe()
    shared = Shared(len(initial_checkpoint(config).theta), 1)
    main(0, config, WorkerStatus(shared, 1), np.random.SeedSequence(0), None, pipe)
    assert [kind for kind, _ in pipe.sent] == ["last state"]


class Exits(Chances):
    """``sys.exit`` in one of its methods."""

    def __init__(self, where, render_mode=None):
        super().__init__()
        self.where = where
        self._exit_at("constructor")

    def _exit_at(self, where):
        if self.where == where:
            sys.exit("out of licences")

    def step(self, action):
        self._exit_at("step")
        return super().step(action)

    def reset(self, **options):
        self._exit_at("reset")
        return super().reset(**options)

    def render(self):
        self._exit_at("render")


CALLS = {"constructor": lambda env: initial_checkpoint(small(env)),
         "reset": lambda env: evaluate(small(env), theta_of(small(env)), EvaluationSettings(1)),
         "step": lambda env: evaluate(small(env), theta_of(small(env)), EvaluationSettings(1)),
         "render": lambda env: list(play_frames(initial_checkpoint(small(env)), EvaluationSettings(1), 0))}


def theta_of(config):
    return initial_checkpoint(config).theta


@pytest.mark.parametrize("where", CALLS)
def test_sys_exit_in_the_main_process_is_an_error_with_a_name(where):
    with pytest.raises(EnvironmentFailed, match="^the environment .* raised SystemExit: out of licences$"):
        CALLS[where](functools.partial(Exits, where))


for _where in ("step", "reset"):
    if f"Exits-{_where}-v0" not in gymnasium.registry:
        gymnasium.register(f"Exits-{_where}-v0", entry_point=Exits, kwargs={"where": _where}, disable_env_checker=True)


@pytest.mark.parametrize("where", ["step", "reset"])
@pytest.mark.parametrize("command", ["evaluate", "play"])
def test_sys_exit_is_one_line_of_the_command(tmp_path, capsys, where, command):
    save(tmp_path / "a.npz", initial_checkpoint(small(f"Exits-{where}-v0")))
    assert program(command, tmp_path / "a.npz", "--episodes", 1) == 3
    line = capsys.readouterr().err
    assert line == f"a3c-numba: error: the environment Exits-{where}-v0 raised SystemExit: out of licences\n"


def test_a_module_that_exits_as_it_is_imported_is_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "a_script_of_its_own.py").write_text("import sys\nsys.exit(4)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert program("train", "a_script_of_its_own:Env", "--out", tmp_path / "run") == 3
    assert "a_script_of_its_own:Env raised SystemExit: 4" in capsys.readouterr().err


class Port(Chances):
    """Needs a number of its own; pays it as the score of its episodes."""

    def __init__(self, worker):
        super().__init__(length=1)
        self.worker = worker

    def step(self, action):
        obs, _, terminated, truncated, info = super().step(action)
        return obs, float(self.worker), terminated, truncated, info


def test_a_factory_takes_the_workers_number():
    config = configure(Port, workers=3)
    assert config.make_env().unwrapped.worker == 3                       # the main process: no worker's
    assert config.make_env(worker=1).unwrapped.worker == 1
    named = configure(f"{__name__}:Port", workers=3)
    assert named.make_env(worker=2).unwrapped.worker == 2


def test_a_number_that_is_given_is_left_alone():
    assert make(functools.partial(Port, worker=7), worker=1).unwrapped.worker == 7
    assert make(Port, env_kwargs={"worker": 8}, worker=1).unwrapped.worker == 8
    assert make(lambda: Port(9), worker=1).unwrapped.worker == 9


def test_each_process_of_an_evaluation_has_its_number():
    config = small(Port, workers=2)
    games = evaluate(config, theta_of(config), EvaluationSettings(8), workers=2)
    assert {game.score for game in games} <= {2.0, 3.0}
    assert [game.score for game in evaluate(config, theta_of(config), EvaluationSettings(2))] == [2.0, 2.0]


def test_workers_have_the_numbers_from_0():
    scores = {}
    agent = Agent(Port, network=MLP(hidden=2), workers=2)
    for number in (0, 1):
        worker = Worker(number, agent.config, Shared(len(agent.policy.parameters.flat), 2), np.random.SeedSequence(0))
        scores[number] = worker.update().episode.score
    assert scores == {0: 0.0, 1: 1.0}


class Counted(Chances):
    """Counts how often it is made."""

    made = 0

    def __init__(self):
        super().__init__()
        type(self).made += 1


def test_an_agent_that_has_learned_needs_no_environment_to_act():
    Counted.made = 0
    agent = Agent(Counted, network=MLP(hidden=2), workers=1).learn(20)
    made = Counted.made
    agent.predict(np.zeros(3, np.float32))
    agent.gradients(np.zeros((1, 3), np.float32), [0], [1.0])
    assert Counted.made == made == 1


@pytest.mark.parametrize("arguments", [{}, {"preset": "classic"}, {"algorithm": "n_step_q"}])
def test_an_agent_makes_its_environment_once(tmp_path, arguments):
    Counted.made = 0
    agent = Agent(Counted, network=MLP(hidden=2), **arguments)
    assert Counted.made == 1
    agent.save(tmp_path / "a.npz")
    Agent.load(tmp_path / "a.npz", Counted)
    assert Counted.made == 2
    load_fitting(tmp_path / "a.npz", Counted)
    assert Counted.made == 3


def test_other_settings_are_looked_at_again():
    """Spaces that were found are those of the same environment."""
    Counted.made = 0
    config = configure(Counted)
    assert config.spaces is config.spaces and Counted.made == 1
    assert configure(Counted).share_spaces(config).spaces is config.spaces
    assert isinstance(EpisodeEnv(config.make_env()), gymnasium.Wrapper) and Counted.made == 3
    other = configure(Chances).share_spaces(config)
    assert other.spaces is not config.spaces
