"""A run is resumed from Python and from the command line, wherever it was begun."""

import dataclasses
import json
import shutil
from functools import partial

import numpy as np
import pytest

from a3c_numba import A3C, MLP, Agent, CheckpointError, Ray, RMSProp
from a3c_numba.cluster.settings import ClusterError
from a3c_numba.envs.names import is_called
from a3c_numba.envs.toys import Corridor
from a3c_numba.runs.checkpoint import load, save
from a3c_numba.runs.checkpointer import Checkpointer
from a3c_numba.runs.resume import folder_of_run, load_run
from a3c_numba.runs.run_folder import RunFolder
from tests.cluster.local_engine import LocalEngine
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
    assert " of its 2,000 steps: give a larger total_steps" in refused(whole)
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
    folder, said = RunFolder(tmp_path / "run"), []
    Agent("Catch", optimizer=Slower(), workers=1).learn(300, out=folder.path)
    longer = (None, None, {"total_steps": 600, "anneal_steps": 300}, said.extend)
    assert load_run(folder, *longer, optimizer=Slower())[0].statistics.any()
    assert not [line for line in said if "begin anew" in line]
    assert load_run(folder, *longer, optimizer=Faster())[0].statistics is None
    assert [line for line in said if line.startswith("the optimiser's statistics begin anew: ") and "Slower" in line]
    agent = Agent.resume(folder.path, total_steps=600, optimizer=Faster())
    assert type(agent.config.optimizer) is Faster
    assert load(folder.path / "final.npz", optimizer=Faster()).statistics.any()


@pytest.mark.parametrize("given", [Slower(), Faster()])
def test_a_checkpoint_for_use_only_is_refused_for_any_optimiser(tmp_path, given):
    agent = Agent("Catch", optimizer=Slower(), workers=1, hidden=4)
    agent.save(tmp_path / "latest.npz")
    (tmp_path / "config.json").write_text(agent.config.to_json())
    said = refused(tmp_path, total_steps=100, optimizer=given)
    assert "saved for use only, without the optimiser's statistics" in said


@pytest.fixture(scope="module")
def dqn_run(tmp_path_factory):
    """The folder of a run that saves its memory, with a damaged newest checkpoint; not to be written to."""
    folder = tmp_path_factory.mktemp("dqn") / "run"
    agent = Agent("Catch", "dqn", workers=1, hidden=4, memory_size=1000, warm_up=50)
    agent.learn(300, out=folder, save_replay=True)
    shutil.copy(folder / "latest.npz", folder / "latest-1.npz")
    (folder / "latest.npz").write_bytes(b"damaged")
    return folder


@pytest.fixture
def local(monkeypatch):
    """Nodes in this process in place of Ray's."""
    monkeypatch.setattr("a3c_numba.cluster.trainer.RayEngine", LocalEngine)
    monkeypatch.setattr("a3c_numba.cluster.supervisor.LAST_SECONDS", 0.1)
    monkeypatch.setattr(LocalEngine, "made", [])


def fails(error):
    """A function that raises it."""
    def call(*_, **named):
        raise error
    return call


def refused_either_way(folder, typed, capsys, words, **options):
    """Have the run refused, without its memory, as typed or from Python, also on a cluster."""
    if typed:
        more = ["--ray"] * ("cluster" in options)
        assert program("train", "--resume", folder, "--total-steps", 600, "--no-save-replay", *more) == 2
        assert words in capsys.readouterr().err
    else:
        assert words in refused(folder, total_steps=600, save_replay=False, **options)


@pytest.mark.parametrize("typed", [True, False])
def test_a_run_that_cannot_be_resumed_keeps_its_folder(dqn_run, tmp_path, monkeypatch, capsys, typed):
    folder = shutil.copytree(dqn_run, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"final.npz", "replay.bin"} <= set(before)
    monkeypatch.setattr("a3c_numba.cluster.trainer.RayEngine", fails(ClusterError("no Ray there")))
    refused_either_way(folder, typed, capsys, "no Ray there", cluster=Ray())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("part, error", [("cut_after", OSError(28, "No space left on device")),
                                         ("quarantine_rejected", PermissionError(13, "Permission denied"))])
def test_a_table_that_cannot_be_cut_ends_no_agent(dqn_run, tmp_path, monkeypatch, local, capsys, typed, part, error):
    """The nodes of the cluster are let go, and the final agent and the memory stay."""
    folder = shutil.copytree(dqn_run, tmp_path / "run")
    monkeypatch.setattr(RunFolder, part, fails(error))
    refused_either_way(folder, typed, capsys, error.strerror, cluster=Ray())
    assert len(LocalEngine.made) == 1 and LocalEngine.made[0].closed
    for name in ("final.npz", "replay.bin"):
        assert (folder / name).read_bytes() == (dqn_run / name).read_bytes()


def test_a_new_memory_of_a_refused_run_leaves_the_disk(dqn_run, tmp_path, monkeypatch):
    folder = shutil.copytree(dqn_run, tmp_path / "run")
    monkeypatch.setattr(RunFolder, "cut_after", fails(OSError(28, "No space left on device")))
    for held in (True, False):
        assert "No space left" in refused(folder, total_steps=600)
        assert (folder / "replay.bin").exists() is held
        (folder / "replay.bin").unlink(missing_ok=True)


def test_a_memory_is_given_up_with_the_first_checkpoint(dqn_run, tmp_path):
    """Until then the newest one needs it."""
    folder = RunFolder(shutil.copytree(dqn_run, tmp_path / "run"))
    start, cut_back = load_run(folder, None, None, {"total_steps": 600, "save_replay": False}, list)
    cut_back()
    assert (folder.path / "replay.bin").read_bytes() == (dqn_run / "replay.bin").read_bytes()
    folder.save(start)
    assert not (folder.path / "replay.bin").exists()


def test_a_final_agent_stays_until_the_run_is_as_new(catch_run, tmp_path):
    """However often it is resumed; one that cannot be read only if latest.npz cannot, either."""
    folder = RunFolder(shutil.copytree(catch_run, tmp_path / "run"))
    final, last = folder.path / "final.npz", load(catch_run / "final.npz")
    (folder.path / "latest.npz").write_bytes(b"damaged")
    save(folder.path / "latest-1.npz", dataclasses.replace(last, global_step=1500))

    def resumed():
        start, cut_back = load_run(folder, None, None, {"total_steps": 4000}, list)
        cut_back()
        return start.global_step
    assert resumed() == 1500 and final.exists()
    folder.save(dataclasses.replace(last, global_step=1800))
    assert resumed() == 1800 and final.exists()
    folder.save(last)
    assert not final.exists()
    final.write_bytes(b"damaged")
    assert resumed() == last.global_step and not final.exists()


def test_a_run_that_was_to_be_replaced_is_resumed(catch_run, tmp_path):
    """The process that should have replaced it was killed."""
    folder, said = RunFolder(shutil.copytree(catch_run, tmp_path / "run")), []
    folder.create("{}", overwrite=True)
    start, _ = load_run(folder, None, None, {"total_steps": 4000}, said.extend)
    assert start.global_step >= 2000 and "is put back" in said[0]
    assert (folder.path / "final.npz").read_bytes() == (catch_run / "final.npz").read_bytes()


def test_the_best_agent_of_a_factorys_run_stays_after_resuming(run):
    folder, step = run
    best = dataclasses.replace(load(folder / "latest.npz", corridor), mean_score=1e6)
    save(folder / "best.npz", best)
    start, _ = load_run(RunFolder(folder), corridor, None, {"total_steps": step + STEPS}, lambda lines: None)
    assert Checkpointer(RunFolder(folder), start, 3).best == 1e6
