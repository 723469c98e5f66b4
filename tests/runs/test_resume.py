"""A run is resumed from Python and from the command line, wherever it was begun."""

import dataclasses
import json
import shutil
from functools import partial

import numpy as np
import pytest

from a3c_numba import A3C, MLP, Agent, CheckpointError, RMSProp
from a3c_numba.envs.names import is_called
from a3c_numba.envs.toys import Corridor
from a3c_numba.runs.checkpoint import load, save
from a3c_numba.runs.checkpointer import Checkpointer
from a3c_numba.runs.resume import folder_of_run, load_run
from a3c_numba.runs.run_folder import RunFolder
from tests.programs import chances, program, reports_often
from tests.runs.test_run_folder import rows

STEPS = 2000


def corridor(length=6, truncates=False):
    return Corridor(length, truncates)


def begun(env, folder, **parts):
    """A run of one worker that was interrupted at its beginning."""
    with pytest.MonkeyPatch.context() as patch:
        reports_often(patch)
        agent = Agent(env, network=MLP(hidden=4), workers=1, **parts)
        agent.learn(10**8, out=folder, callback=lambda progress: progress.global_step < 100)
    return load(folder / "latest.npz", env).global_step


@pytest.fixture(scope="module")
def factory_run(tmp_path_factory):
    """The folder of a run that was begun with ``corridor``, and its first part's steps."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    return folder, begun(corridor, folder, env_kwargs={"length": 5})


@pytest.fixture
def run(factory_run, tmp_path):
    folder, step = factory_run
    return shutil.copytree(folder, tmp_path / "run"), step


def refused(*arguments, **options):
    with pytest.raises(ValueError) as error:
        Agent.resume(*arguments, **options)
    line = str(error.value)
    assert line and "\n" not in line and "--" not in line
    return line


def test_a_run_of_a_factory_is_resumed_from_python(run):
    folder, step = run
    seen = []
    agent = Agent.resume(folder, corridor, total_steps=step + STEPS, callback=seen.append)
    final = load(folder / "final.npz", corridor)
    assert final.global_step >= step + STEPS and final.config.env_kwargs == {"length": 5}
    np.testing.assert_array_equal(agent.policy.parameters.flat, final.theta)
    assert agent.config.env is corridor and agent.config.total_steps == step + STEPS
    steps = [int(row["global_step"]) for row in rows(folder / "episodes.csv")]
    assert steps == sorted(steps) and steps[0] <= step < steps[-1]
    assert agent.predict(np.zeros(5), deterministic=True)[0] in (0, 1) and len(agent.evaluate(2)) == 2


@pytest.mark.long
def test_a_run_of_a_factory_is_resumed_by_the_factorys_name(run, capsys):
    folder, step = run
    assert program("train", "--resume", folder, "--total-steps", step + STEPS) == 2
    line = capsys.readouterr().err
    assert f"name it in train ENV --resume {folder}" in line and line.count("\n") == 1
    for more in (STEPS, STEPS + 500):                                    # the second time its file names the module
        name = f"{__name__}:corridor"
        assert program("train", name, "--resume", folder, "--total-steps", step + more) == 0
        final = load(folder / "final.npz", corridor)
        assert final.global_step >= step + more and final.config.env_kwargs == {"length": 5}
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert all("the learning rate was" in line for line in warnings)     # of a shorter run, and nothing else
    assert Agent.resume(folder, corridor, total_steps=final.global_step + 100).config.env_kwargs == {"length": 5}


def test_a_run_of_the_command_line_is_resumed_from_python(catch_run, tmp_path):
    folder = shutil.copytree(catch_run, tmp_path / "run")
    agent = Agent.resume(str(folder / "latest.npz"), total_steps=2200)
    final = load(folder / "final.npz")
    assert final.global_step >= 2200 and (agent.policy.parameters.flat == final.theta).all()


@pytest.mark.long
def test_an_exception_in_a_resumed_run_loses_nothing(run, monkeypatch):
    reports_often(monkeypatch)
    folder, step = run
    with pytest.raises(ZeroDivisionError):
        Agent.resume(folder, corridor, callback=lambda progress: progress.global_step < step + 200 or 1 / 0)
    assert load(folder / "latest.npz", corridor).global_step >= step + 200


def test_what_cannot_be_resumed_is_one_line(run, catch_run, tmp_path):
    folder, _ = run
    assert "give env= on loading" in refused(folder)
    assert "with corridor: the environment cannot become Catch" in refused(folder, "Catch")
    assert "cannot become chances" in refused(folder, chances)
    assert 'arguments {"length": 5}: they cannot become' in refused(folder, corridor, env_kwargs={"length": 6})
    assert "env_kwargs must be finite numbers" in refused(folder, corridor, env_kwargs={"length": np.zeros(2)})
    assert 'arguments {"length": 5}: give them as env_kwargs=' in refused(folder, partial(corridor, 5))
    assert "callback must be a function; got 5" in refused(folder, corridor, callback=5)
    assert "total_steps must be a whole number, at least 1; got 0" in refused(folder, corridor, total_steps=0)
    whole = shutil.copytree(catch_run, tmp_path / "whole")
    assert "has made all of its 2,000 steps: give a larger total_steps" in refused(whole)
    assert "folder must be the name of a folder; got ''" in refused("")
    for missing in ("nothing", "nothing.npz"):
        assert "no such file" in refused(tmp_path / missing)
    assert load(folder / "latest.npz", corridor).config.env_kwargs == {"length": 5}


@pytest.mark.long
def test_a_factory_without_a_name_may_be_any(tmp_path):
    folder = tmp_path / "run"
    step = begun(lambda: Corridor(5), folder)
    with pytest.raises(CheckpointError, match="give env="):
        Agent.resume(folder)
    agent = Agent.resume(folder, partial(Corridor, 5), total_steps=step + 100)
    assert agent.config.total_steps == step + 100
    with pytest.raises(ValueError, match="another network or environment"):
        Agent.resume(folder, "CartPole-v1")
    assert program("train", f"{__name__}:corridor", "--env-kwargs", '{"length": 5}', "--resume", folder) == 2
    name, last = f"{__name__}:five", load(folder / "latest.npz", five).global_step
    assert program("train", name, "--resume", folder, "--total-steps", last + 100) == 0


def five():
    return Corridor(5)


def test_the_newest_checkpoint_names_its_run(run):
    folder, _ = run
    assert folder_of_run(folder) == folder_of_run(str(folder / "latest.npz")) == folder
    (folder / "best.npz").touch()
    for other in ("best.npz", "config.json"):
        with pytest.raises(ValueError, match=f"{other} is a file: .*name its folder, {folder}$"):
            folder_of_run(folder / other)


@pytest.mark.parametrize("env, name, called", [
    ("Catch", "Catch", True), ("my.envs:Maze", "Maze", True), (corridor, "corridor", True),
    (corridor, "m:corridor", True),
    ("ALE/Pong-v5", "ale_py:ALE/Pong-v5", True), ("a:Maze", "b:Maze", False), ("Catch", "Memory", False),
    (chances, "corridor", False), ("a:Maze", "Maze.Inner", False)])
def test_names_of_one_environment(env, name, called):
    assert is_called(env, name) is called


def test_the_command_line_understands_the_newest_checkpoint(catch_run, tmp_path, capsys):
    folder = shutil.copytree(catch_run, tmp_path / "run")
    assert program("train", "--resume", folder / "latest.npz", "--total-steps", 2100) == 0
    assert f"into {folder}\n" in capsys.readouterr().err
    assert program("train", "--resume", folder / "final.npz", "--total-steps", 2200) == 2
    assert f"name its folder, {folder}" in capsys.readouterr().err
    assert json.loads((folder / "config.json").read_text())["total_steps"] == 2000


class Own(A3C):
    """A method of one's own."""


def test_a_run_of_an_own_part_is_resumed_with_it(tmp_path):
    folder = tmp_path / "run"
    Agent("Catch", Own(), workers=1).learn(300, out=folder)
    with pytest.raises(ValueError, match="'Own' is not of this package: give algorithm= on loading"):
        Agent.resume(folder, total_steps=600)
    agent = Agent.resume(folder, total_steps=600, algorithm=Own())
    assert type(agent.config.algorithm) is Own
    final = load(folder / "final.npz", algorithm=Own())
    assert final.global_step >= 600


class Slower(RMSProp):
    """An optimiser that is not of this package."""


class Faster(RMSProp):
    """Another."""


def test_another_own_optimiser_begins_with_new_statistics(tmp_path):
    Agent("Catch", optimizer=Slower(), workers=1).learn(300, out=tmp_path / "run")
    same = load_run(RunFolder(tmp_path / "run"), None, None, {"total_steps": 600}, print, optimizer=Slower())[0]
    agent = Agent.resume(tmp_path / "run", total_steps=600, optimizer=Faster())
    assert same.statistics.any() and type(agent.config.optimizer) is Faster
    assert load(tmp_path / "run" / "final.npz", optimizer=Faster()).statistics.any()


@pytest.mark.parametrize("typed", [True, False])
def test_a_run_that_cannot_be_resumed_keeps_its_folder(tmp_path, monkeypatch, capsys, typed):
    """As if there were no memory for it, or no cluster."""
    def refused(*given, **named):
        raise ValueError("no memory")

    folder = tmp_path / "run"
    Agent("Catch", workers=1).learn(300, out=folder)
    (folder / "replay.bin").write_bytes(b"a memory")
    shutil.copy(folder / "latest.npz", folder / "latest-1.npz")
    (folder / "latest.npz").write_bytes(b"damaged")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("a3c_numba.agent_training.Trainer", refused)
    if typed:
        assert program("train", "--resume", folder, "--total-steps", 600) == 2
        assert "no memory" in capsys.readouterr().err
    else:
        with pytest.raises(ValueError, match="no memory"):
            Agent.resume(folder, total_steps=600)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_best_agent_of_a_factorys_run_stays_after_resuming(run):
    folder, step = run
    best = dataclasses.replace(load(folder / "latest.npz", corridor), mean_score=1e6)
    save(folder / "best.npz", best)
    start, _ = load_run(RunFolder(folder), corridor, None, {"total_steps": step + STEPS}, lambda lines: None)
    assert Checkpointer(RunFolder(folder), start, 3).best == 1e6
