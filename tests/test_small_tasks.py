"""examples/small_tasks.py with tasks of a moment."""

import subprocess
import sys
from pathlib import Path

import pytest

from a3c_numba import Agent
from a3c_numba.core.algorithms import METHODS
from tests.programs import module_of

PROGRAM = Path(__file__).parents[1] / "examples" / "small_tasks.py"


@pytest.fixture
def program(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return module_of(PROGRAM)


def test_every_task_can_be_trained(program):
    for name, steps, options in program.TASKS:
        agent = program.agent_of(name, 1, options)
        assert name.startswith(agent.config.env) and steps > 0
        assert isinstance(agent.config.algorithm, METHODS[name.split()[1]])


def test_a_second_start_makes_only_what_is_missing(program, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(program, "result",
                        lambda name, steps, seed, options: made.append((name.split()[1], seed)) or 10.0 * seed)
    program.main(2, "Acrobot")
    assert made == [("a3c", 0), ("a3c", 1)] and "5.0 (0.0 to 10.0)   0.0, 10.0" in capsys.readouterr().out
    program.main(3, "Acrobot")
    assert made[2:] == [("a3c", 2)]
    monkeypatch.setattr(program, "TASKS", [(name, steps + 1, *rest) for name, steps, *rest in program.TASKS])
    program.main(1, "Acrobot")
    assert made[3:] == [("a3c", 0)]                                      # of so many steps there was none
    program.main(1, "CartPole")
    assert made[4:] == [(name, 0) for name in ("a3c", "n_step_q", "one_step_q", "one_step_sarsa", "dqn")]


def test_the_result_is_the_mean_of_all_games(program, monkeypatch):
    monkeypatch.setattr(program, "GAMES", 3)
    trained = Agent("CartPole-v1", "a3c", seed=4, workers=1).learn(200)
    assert program.result("CartPole-v1 a3c", 200, 4, {"workers": 1}) == trained.evaluate(3, seed=400).mean()


@pytest.mark.parametrize("given, said", [("0", "SEEDS must be at least 1; got 0"), ("x", "invalid int value: 'x'"),
                                         ("2 Pong", "no task has 'Pong' in its name")])
def test_bad_input_is_one_line(given, said, tmp_path):
    done = subprocess.run([sys.executable, PROGRAM, *given.split()], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr.splitlines()[-1] and not list(tmp_path.iterdir())
