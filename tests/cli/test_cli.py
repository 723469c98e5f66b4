"""The command line: what the commands do, and the one line for what they refuse."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from a3c_numba import MLP, MomentumSGD, OneStepSarsa, __version__
from a3c_numba.runs.checkpoint import load
from tests.programs import Chances, program
from tests.runs.test_checkpoint import with_meta
from tests.runs.test_run_folder import rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run every test in an empty folder of its own; afterwards it holds what the command wrote."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def refused(capsys, *arguments):
    """Return the line with which a command is refused; nothing else is written or printed."""
    before = contents(Path.cwd())
    assert program(*arguments) == 2
    written = capsys.readouterr()
    assert not written.out and written.err.startswith("a3c-numba: error: ") and written.err.count("\n") == 1
    assert contents(Path.cwd()) == before
    return written.err.strip()


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_the_menu_is_printed(capsys):
    assert program("--help") == 0
    assert "usage: a3c-numba" in capsys.readouterr().out


def test_version_by_module_and_by_name():
    out = subprocess.run([sys.executable, "-m", "a3c_numba", "--version"], capture_output=True, text=True, cwd=ROOT)
    assert (out.returncode, out.stdout, out.stderr) == (0, f"a3c-numba {__version__}\n", "")


def test_a_run_leaves_everything_in_its_folder(catch_run):
    assert {path.name for path in catch_run.iterdir()} >= {"config.json", "progress.csv", "episodes.csv", "latest.npz",
                                                           "best.npz", "final.npz"}
    config = json.loads((catch_run / "config.json").read_text())
    assert (config["env"], config["workers"], config["total_steps"], config["seed"]) == ("Catch", 1, 2000, 0)
    progress, episodes = rows(catch_run / "progress.csv"), rows(catch_run / "episodes.csv")
    final = load(catch_run / "final.npz")
    assert 2000 <= final.global_step == int(progress[-1]["global_step"]) < 2000 + final.config.algorithm.t_max
    assert len(episodes) == int(progress[-1]["episodes"]) == final.global_step // 9
    assert float(progress[-1]["learning_rate"]) == 0 and {row["length"] for row in episodes} == {"9"}
    last = [float(row["score"]) for row in episodes[-100:]]
    assert float(progress[-1]["mean_score"]) == pytest.approx(np.mean(last)) == final.mean_score


def test_the_curve_is_drawn_where_it_can_be(catch_run):
    pytest.importorskip("cv2")
    assert (catch_run / "curve.png").stat().st_size > 1000


def test_options_reach_the_run(capsys):
    assert program("train", "Corridor", "--workers", 1, "--total-steps", "2e1", "--seed", 7, "--hidden", 5, "--t-max",
                   3, "--entropy-weight", 0.5) == 0
    err = capsys.readouterr().err
    assert "Corridor: 1 worker, 20 steps, into runs/Corridor-s7" in err and "\x1b" not in err
    config = load(Path("runs/Corridor-s7/final.npz")).config
    assert (config.network.hidden, config.algorithm.t_max, config.algorithm.entropy_weight) == (5, 3, 0.5)
    assert json.loads(Path("runs/Corridor-s7/config.json").read_text())["network"]["hidden"] == 5


def test_methods_optimizers_and_networks_reach_the_run():
    assert program("train", "Corridor", "--workers", 1, "--total-steps", 60, "--algorithm", "one_step_sarsa",
                   "--optimizer", "momentum_sgd", "--momentum", 0.5, "--recurrent", "--cells", 3, "--layers", 1,
                   "--target-interval", 7, "--final-epsilons", "0.25:1", "--no-clip-rewards", "--out", "run") == 0
    final = load(Path("run/final.npz"))
    algorithm, optimizer, network = final.config.algorithm, final.config.optimizer, final.config.network
    assert type(algorithm) is OneStepSarsa and type(optimizer) is MomentumSGD and type(network) is MLP
    assert (algorithm.target_interval, algorithm.final_epsilons, algorithm.clip_rewards) == (7, "0.25:1", False)
    assert (optimizer.momentum, network.recurrent, network.cells, network.layers) == (0.5, True, 3, 1)
    assert final.target.shape == final.statistics.shape == final.theta.shape
    assert {"q.dense1.weight", "q.lstm.weight", "q.head.bias"} <= set(final.shapes)
    assert program("evaluate", "run", "--episodes", 3) == 0
    assert program("train", "--resume", "run", "--total-steps", 120) == 0
    assert load(Path("run/final.npz")).global_step >= 120


def test_a_trained_value_method_is_played_with_any_epsilon(capsys):
    assert program("train", "Catch", "--algorithm", "n_step_q", "--workers", 1, "--total-steps", 60, "--out", "run",
                   "--exploration-steps", 60) == 0
    assert "warning" not in capsys.readouterr().err
    assert program("evaluate", "run", "--episodes", 3, "--epsilon", 1) == 0
    assert "epsilon 1: mean" in capsys.readouterr().out
    assert json.loads(Path("run/evaluation.json").read_text())["epsilon"] == 1
    assert program("play", "run", "--epsilon", 0.5) == 0
    for options, said in ((("--epsilon", 2), "evaluation_epsilon must be at least 0 and at most 1; got 2.0"),
                          (("--epsilon", 0.1, "--deterministic"), "--epsilon and --deterministic exclude each other")):
        assert program("evaluate", "run", *options) == 2
        assert said in capsys.readouterr().err


def test_epsilon_means_nothing_to_a_policy(catch_run, capsys):
    assert program("evaluate", catch_run, "--epsilon", 0.1) == 2
    assert "--epsilon is for value methods" in capsys.readouterr().err
    for options in ((), ("--deterministic",)):
        assert program("evaluate", catch_run, "--episodes", 2, "--json", "a.json", *options) == 0
        assert "epsilon" not in capsys.readouterr().out and json.loads(Path("a.json").read_text())["epsilon"] is None


def test_deterministic_play_of_a_value_method_has_epsilon_0(capsys):
    assert program("train", "Catch", "--algorithm", "n_step_q", "--workers", 1, "--total-steps", 20, "--out", "r") == 0
    assert program("evaluate", "r", "--episodes", 2, "--deterministic") == 0
    assert "epsilon 0: mean" in capsys.readouterr().out
    assert json.loads(Path("r/evaluation.json").read_text())["epsilon"] == 0


def test_exploration_longer_than_the_run_is_warned_of(capsys):
    assert program("train", "Catch", "--algorithm", "n_step_q", "--workers", 1, "--total-steps", 60, "--out", "r",
                   "--exploration-steps", 61) == 0
    assert "epsilon is annealed over 61 steps (--exploration-steps), but the run has only 60" in capsys.readouterr().err


def test_continuous_actions_are_trained_evaluated_and_played(capsys):
    assert program("train", "AimContinuous", "--workers", 1, "--total-steps", 60, "--out", "run") == 0
    assert program("evaluate", "run", "--episodes", 3, "--deterministic") == 0
    assert "AimContinuous, 3 games" in capsys.readouterr().out
    assert load(Path("run/final.npz")).shapes["policy.head.bias"] == (2,)


@pytest.mark.parametrize("arguments, words", [
    ([], ["COMMAND"]),
    (["trian"], ["trian", "train"]),
    (["train", "Catch", "--surprise"], ["--surprise"]),
    (["train", "CartPol-v1"], ["CartPol-v1", "did you mean CartPole-v1"]),
    (["train", "ALE/Pnog-v5"], ["did you mean", "ALE/Pong-v5"]),
    (["train", "zzz"], ["no environment is called 'zzz'"]),
    (["train", "FrozenLake-v1"], ["observation space Discrete", "supported are"]),
    (["train", "tests.programs:TinyImage-v0"], ["(10, 10, 1)"]),
    (["train", "Catch", "--preset", "paper"], ["convolutional does not take observations of shape (50,)"]),
    (["train", "Catch", "--preset", "best"], ["--preset", "best", "classic"]),
    (["train", "Catch", "--workers", "0"], ["workers must be a whole number, at least 1; got 0"]),
    (["train", "Catch", "--workers", "-2"], ["workers must be a whole number, at least 1; got -2"]),
    (["train", "Catch", "--workers", "two"], ["--workers", "whole number", "'two'"]),
    (["train", "Catch", "--workers", "inf"], ["--workers", "whole number", "'inf'"]),
    (["train", "Catch", "--total-steps", "1.5"], ["--total-steps", "whole number", "'1.5'"]),
    (["train", "Catch", "--total-steps", "nan"], ["--total-steps", "'nan'"]),
    (["train", "Catch", "--total-steps", "0"], ["total_steps must be a whole number, at least 1; got 0"]),
    (["train", "Catch", "--seed", "-1"], ["seed must be a whole number, at least 0; got -1"]),
    (["train", "Catch", "--learning-rate", "nan"], ["learning_rate must be above 0; got nan"]),
    (["train", "Catch", "--learning-rate", "inf"], ["learning_rate must be above 0; got inf"]),
    (["train", "Catch", "--learning-rate=-1e-3"], ["learning_rate must be above 0; got -0.001"]),
    (["train", "Catch", "--learning-rate", "fast"], ["--learning-rate", "'fast'"]),
    (["train", "Catch", "--discount", "1.01"], ["discount must be at least 0 and at most 1; got 1.01"]),
    (["train", "Catch", "--decay", "1"], ["decay must be at least 0 and below 1; got 1.0"]),
    (["train", "Catch", "--epsilon", "0"], ["epsilon must be above 0; got 0.0"]),
    (["train", "Catch", "--t-max", "0"], ["t_max must be at least 1; got 0"]),
    (["train", "Catch", "--clip-rewards", "maybe"], ["maybe"]),
    (["train", "Catch", "--clip-rewards=maybe"], ["--clip-rewards", "'maybe'"]),
    (["train", "Catch", "--body-init", "zeros"], ["body_init must be one of", "'zeros'"]),
    (["train", "Catch", "--dense", "9"], ["--dense is a hyper-parameter of convolutional"]),
    (["train", "Catch", "--algorithm", "sarsa"], ["--algorithm", "'sarsa'", "one_step_sarsa"]),
    (["train", "Catch", "--optimizer", "adam"], ["--optimizer", "'adam'", "momentum_sgd"]),
    (["train", "Pendulum-v1", "--algorithm", "n_step_q"], ["NStepQ", "Discrete actions", "Box", "use A3C"]),
    (["train", "Pendulum-v1", "--algorithm", "one_step_q"], ["OneStepQ", "Discrete actions", "use A3C"]),
    (["train", "Pendulum-v1", "--algorithm", "one_step_sarsa"], ["OneStepSarsa", "Discrete", "use A3C"]),
    (["train", "Catch", "--cells", "9"], ["--cells needs --recurrent"]),
    (["train", "Catch", "--cells", "9", "--no-recurrent"], ["--cells needs --recurrent"]),
    (["train", "Catch", "--recurrent", "--cells", "0"], ["cells must be at least 1; got 0"]),
    (["train", "Catch", "--layers", "0"], ["layers must be at least 1; got 0"]),
    (["train", "Catch", "--momentum", "0.9"], ["--momentum is a hyper-parameter of momentum_sgd"]),
    (["train", "Catch", "--optimizer", "momentum_sgd", "--decay", "0.9"],
     ["--decay is a hyper-parameter of rmsprop, local_rmsprop, which this run does not"]),
    (["train", "Catch", "--optimizer", "momentum_sgd", "--momentum", "1"], ["momentum must be at least 0 and below 1"]),
    (["train", "Catch", "--target-interval", "9"], ["--target-interval is a hyper-parameter of n_step_q, one_step_q"]),
    (["train", "Catch", "--algorithm", "n_step_q", "--target-interval", "0"],
     ["target_interval must be at least 1; got 0"]),
    (["train", "Catch", "--algorithm", "one_step_q", "--t-max", "5"], ["--t-max is a hyper-parameter of a3c"]),
    (["train", "Catch", "--algorithm", "n_step_q", "--final-epsilons", "0.1:0.5"], ["final_epsilons", "'0.1:0.5'"]),
    (["train", "Catch", "--algorithm", "n_step_q", "--exploration-steps", "0"], ["exploration_steps", "got 0"]),
    (["train", "ALE/Pong-v5", "--frame-skip", "0"], ["frame_skip"]),
    (["train", "ALE/Pong-v5", "--sticky", "nan"], ["sticky", "nan"]),
    (["train", "--resume", "nothing"], ["nothing/latest.npz: no such file"]),
    (["evaluate", "nothing"], ["nothing: no such file"]),
    (["play", "nothing.npz"], ["nothing.npz: no such file"]),
    (["plot", "nothing"], ["nothing: no run"]),
    (["check-gradients", "FrozenLake-v1"], ["supported are"]),
    (["check-gradients", "Catch", "--coordinates", "0"], ["coordinates must be at least 1; got 0"]),
    (["bench", "CartPole-v1"], ["convolutional does not take"]),
    (["bench", "ALE/Pnog-v5"], ["ALE/Pong-v5"]),
    (["bench", "--seconds", "nan"], ["seconds must be at least 0.1 and at most 3600; got nan"]),
    (["bench", "--seconds", "inf"], ["seconds must be at least 0.1", "got inf"]),
    (["bench", "--t-max", "0"], ["t_max must be at least 1; got 0"]),
])
def test_what_cannot_be_used_is_one_line(capsys, arguments, words):
    line = refused(capsys, *arguments)
    assert all(word in line for word in words)


@pytest.mark.parametrize("arguments", [["--episodes", "0"], ["--episodes", "1.5"], ["--workers", "0"], ["--seed", "-1"],
                                       ["--protocol", "human"], ["--json", "nowhere/a.json"], ["--json", "."]])
def test_evaluate_refuses_before_it_plays(catch_run, capsys, monkeypatch, arguments):
    monkeypatch.setattr("a3c_numba.evaluation.Evaluator.play", lambda *_: pytest.fail("played"))
    refused(capsys, "evaluate", catch_run, *arguments)


def test_a_quiet_evaluation_is_in_its_file_alone(catch_run, capsys):
    assert program("evaluate", catch_run, "--episodes", 2, "--json", "a.json", "--quiet") == 0
    assert capsys.readouterr() == ("", "") and len(json.loads(Path("a.json").read_text())["games"]) == 2
    assert program("evaluate", catch_run / "final.npz", "--quiet") == 2
    assert "name another for the result, --json FILE" in capsys.readouterr().err


def test_an_empty_folder_holds_no_agent(capsys):
    Path("empty").mkdir()
    assert "empty: holds no checkpoint" in refused(capsys, "evaluate", "empty")
    assert "empty/latest.npz" in refused(capsys, "train", "--resume", "empty")


def test_a_run_is_not_replaced_unasked(catch_run, capsys):
    before = contents(catch_run)
    line = refused(capsys, "train", "Catch", "--out", catch_run)
    assert str(catch_run) in line and "--resume" in line and "--overwrite" in line and contents(catch_run) == before


def copy_of(run, name="run"):
    Path(name).mkdir()
    for path in run.iterdir():
        (Path(name) / path.name).write_bytes(path.read_bytes())
    return Path(name)


def test_overwriting_replaces_a_run_and_checks_first(catch_run, capsys):
    run = copy_of(catch_run)
    refused(capsys, "train", "Catch", "--out", run, "--overwrite", "--discount", 2)
    assert program("train", "Corridor", "--out", run, "--overwrite", "--total-steps", 20, "--workers", 1) == 0
    assert load(run / "final.npz").config.env == "Corridor" and not (run / "best.npz").exists()
    assert int(rows(run / "episodes.csv")[-1]["global_step"]) < 100


def test_a_run_outlives_one_that_cannot_replace_it(catch_run, capsys, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")
    monkeypatch.setattr("a3c_numba.training.trainer.Shared", refused)
    run = copy_of(catch_run)
    before = contents(run)
    assert program("train", "Catch", "--out", run, "--overwrite", "--workers", 1, "--total-steps", 20) == 1
    assert "Cannot allocate memory" in capsys.readouterr().err and contents(run) == before


@pytest.mark.parametrize("arguments, words", [
    ([], [" of its 2,000 steps", "--total-steps"]),
    (["Memory"], ["with Catch: the environment cannot become Memory"]),
    (["--seed", "3"], ["--seed cannot change"]), (["--workers", "2"], ["--workers cannot change"]),
    (["--algorithm", "a3c"], ["--algorithm cannot change"]), (["--optimizer", "rmsprop"], ["--optimizer cannot"]),
    (["--no-recurrent"], ["--recurrent cannot change"]), (["--target-interval", "9"], ["--target-interval cannot"]),
    (["--out", "other"], ["--out cannot change"]), (["--hidden", "3"], ["--hidden cannot change"]),
    (["--preset", "classic"], ["--preset cannot change"]), (["--total-steps", "0"], ["total_steps", "got 0"]),
    (["--total-steps", "100"], ["has made 2,0", " of its 100 steps"]),
])
def test_resuming_refuses_what_cannot_change(catch_run, capsys, arguments, words):
    line = refused(capsys, "train", *arguments, "--resume", copy_of(catch_run))
    assert all(word in line for word in words)


def test_resuming_a_broken_or_another_run_touches_nothing(catch_run, capsys):
    run = copy_of(catch_run)
    whole = (run / "latest.npz").read_bytes()
    for content in (b"", whole[:-1], whole[:len(whole) // 2], whole[:3000] + b"x" + whole[3001:]):
        (run / "latest.npz").write_bytes(content)
        assert "latest.npz" in refused(capsys, "train", "--resume", run, "--total-steps", 4000)
    (run / "latest.npz").write_bytes(whole)
    config = json.loads((run / "config.json").read_text()) | {"env": "Corridor"}
    with_meta(run / "latest.npz", config=config)
    assert "another network or environment" in refused(capsys, "train", "--resume", run, "--total-steps", 4000)


CHANCES = "tests.programs:Chances-v0"


def test_the_line_that_says_how_to_resume_can_be_typed(capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt
    for env, named in ((CHANCES, [CHANCES]), ("Corridor", [])):
        folder = f"{env[-3:]} it's mine"
        with monkeypatch.context() as patched:
            patched.setattr("a3c_numba.training.trainer.Trainer._watch", interrupted)
            assert program("train", env, "--workers", 1, "--total-steps", 20, "--out", folder) == 130
        words = shlex.split(capsys.readouterr().err.strip().split("to resume: ")[1])
        assert words == ["a3c-numba", "train", *named, "--resume", folder]
        assert program(*words[1:]) == 0


class Named(Chances):
    """An environment with an argument that is a text."""

    def __init__(self, name="", render_mode=None):
        super().__init__()


gymnasium.register("Named-v0", Named)


@pytest.mark.parametrize("name", ["localhost:5000", "json:Maze"])        # no module, and one that is imported here
def test_the_printed_lines_name_arguments_like_a_module(capsys, monkeypatch, name):
    def interrupted(_):
        raise KeyboardInterrupt
    kwargs = json.dumps({"name": name})
    with monkeypatch.context() as patched:
        patched.setattr("a3c_numba.training.trainer.Trainer._watch", interrupted)
        assert program("train", "Named-v0", "--env-kwargs", kwargs, "--workers", 1, "--total-steps", 20,
                       "--out", "run") == 130
    words = shlex.split(capsys.readouterr().err.strip().split("to resume: ")[1])
    assert words == ["a3c-numba", "train", "Named-v0", "--env-kwargs", kwargs, "--resume", "run"]
    assert program(*words[1:]) == 0
    evaluation = capsys.readouterr().err.split("next: ")[1].split(", a3c-numba ")[1]
    words = shlex.split(evaluation)
    assert words == ["evaluate", "run", "--env", "Named-v0", "--env-kwargs", kwargs]
    assert program(*words, "--episodes", 1) == 0


@pytest.mark.parametrize("command, typed", [
    (["train", "--resume", "run"], "in train ENV --resume run"), (["evaluate", "run"], "with --env ENV"),
    (["play", "run"], "with --env ENV"), (["portrait", "run"], "with --env ENV"), (["trace", "run"], "with --env ENV")])
def test_an_environment_that_must_be_named_is_asked_for_as_typed(catch_run, capsys, command, typed):
    run = copy_of(catch_run)
    config = json.loads((run / "config.json").read_text())
    for changed in ({"env": "stranger:Name-v0"}, {"env": "chances", "env_is_factory": True}):
        for path in run.glob("*.npz"):
            with_meta(path, config=config | changed)
        line = refused(capsys, *command)
        assert f"name it {typed}" in line and "env=" not in line and "import it yourself" not in line


def test_arguments_that_look_like_a_module_are_asked_for(catch_run, capsys):
    run = copy_of(catch_run)
    config = json.loads((run / "config.json").read_text())
    for path in run.glob("*.npz"):
        with_meta(path, config=config | {"env_kwargs": {"rows": "localhost:5000"}})
    assert "module 'localhost', which loading would import: name it with --env ENV" in refused(capsys, "evaluate", run)
    line = refused(capsys, "evaluate", run, "--env", "Catch")
    assert line.endswith("which loading would import: give its --env-kwargs, too")
    assert program("evaluate", run, "--env", "Catch", "--env-kwargs", '{"rows": 10}', "--episodes", 1) == 0


FAILURES = {"Runtime": RuntimeError("no\nlicence"), "Value": ValueError("no\nlicence"),
            "Missing": FileNotFoundError(2, "no licence"), "Type": TypeError("no\nlicence")}


def unmade(error, render_mode=None):
    raise error


class Reset(gymnasium.Env):
    """Can be made, but not reset."""

    observation_space = gymnasium.spaces.Box(0, 1, (50,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, error, render_mode=None):
        self.error = error

    def reset(self, *, seed=None, options=None):
        """Raises."""
        raise self.error


for _name, _error in FAILURES.items():
    gymnasium.register(f"Unmade{_name}-v0", unmade, kwargs={"error": _error})
    gymnasium.register(f"Unreset{_name}-v0", Reset, kwargs={"error": _error})


def failed(capsys, env, error, *arguments):
    """Assert one line and exit code 3 for this environment that raised this error."""
    assert program(*arguments) == 3
    written = capsys.readouterr()
    assert written.err.count("\n") == 1
    assert written.err.startswith(f"a3c-numba: error: the environment {env} raised {type(error).__name__}: ")
    assert "no licence" in written.err


@pytest.mark.parametrize("name", FAILURES)
def test_an_environment_that_cannot_be_made_is_one_line(catch_run, capsys, name):
    env, error, run = f"Unmade{name}-v0", FAILURES[name], copy_of(catch_run)
    for command in (["train", env], ["train", env, "--preset", "classic"], ["sweep", env], ["trace", env],
                    ["check-gradients", env], ["evaluate", run, "--env", env], ["play", run, "--env", env],
                    ["train", env, "--resume", run, "--total-steps", 9000]):
        if "--resume" in command:
            (run / "config.json").write_text((run / "config.json").read_text().replace('"Catch"', f'"{env}"'))
        failed(capsys, env, error, *command)
    with_meta(run / "final.npz", config=json.loads((run / "config.json").read_text()))
    failed(capsys, env, error, "evaluate", run)
    failed(capsys, env, error, "portrait", run)
    assert sorted(path.name for path in Path().iterdir()) == ["run"]


@pytest.mark.parametrize("name", FAILURES)
def test_an_environment_that_fails_as_it_is_played_is_one_line(catch_run, capsys, name):
    env = f"Unreset{name}-v0"
    for command in ("evaluate", "play", "trace", "portrait"):
        failed(capsys, env, FAILURES[name], command, catch_run, "--env", env)
    failed(capsys, env, FAILURES[name], "trace", env)


def test_an_environment_failing_in_another_process_is_one_line(capsys):
    assert program("train", CHANCES, "--workers", 1, "--total-steps", 20, "--out", "run") == 0
    capsys.readouterr()
    assert program("evaluate", "run", "--env", "tests.programs:Dies-v0", "--episodes", 60, "--workers", 2) == 3
    assert capsys.readouterr().err == ("a3c-numba: error: the environment tests.programs:Dies-v0 raised "
                                       "ArithmeticError: the environment is broken\n")


@pytest.mark.parametrize("env", ["a:b:c", ":x", "..a:b", "a b:c", "no.module:Env-v0", "tests.programs:Nope-v0"])
def test_an_id_of_no_module_or_no_environment_is_refused(capsys, env):
    refused(capsys, "train", env)


def test_plotting_several_runs(catch_run, capsys):
    pytest.importorskip("cv2")
    assert program("plot", catch_run, copy_of(catch_run, "again"), "-o", "two.png", "-x", "minutes") == 0
    assert capsys.readouterr().out == "two.png\n" and Path("two.png").read_bytes().startswith(b"\x89PNG")
    for out in ("nowhere/a.png", "a.unknown", "."):
        refused(capsys, "plot", catch_run, "-o", out)
    refused(capsys, "plot", catch_run, "nothing", "-o", "three.png")


@pytest.mark.long
def test_without_opencv_training_works_and_pictures_are_refused(catch_run):
    stub = Path("stub")
    stub.mkdir()
    (stub / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(stub.resolve()), str(ROOT)])}

    def run(*arguments):
        command = [sys.executable, "-m", "a3c_numba", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)
    trained = run("train", "Corridor", "--total-steps", 100, "--workers", 1, "--out", "run")
    said = [line for line in trained.stderr.splitlines() if "libgl1" in line]
    assert trained.returncode == 0 and len(said) == 1 and said[0].startswith("a3c-numba: warning: no learning curve: ")
    assert Path("run/final.npz").exists() and not Path("run/curve.png").exists()
    for arguments in (("plot", catch_run), ("play", catch_run, "--video", "a.gif")):
        ended = run(*arguments)
        assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and "libgl1" in ended.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["run", "stub"]
