"""Whole runs: what they leave behind, and what happens when a worker dies."""

import csv
import threading
from functools import partial

import numpy as np
import pytest

from a3c_numba import Agent, Limits, WorkerDied
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.reporter import LogReporter
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests import programs
from tests.faults.gates import Together
from tests.programs import Chances, chances, program, reports_often, small
from tests.runs.test_run_folder import rows


def trainer(config, out=None, callback=None, limits=Limits()):
    if out:
        RunFolder(out).create(config.to_json())
    return Trainer(initial_checkpoint(config), out, callback=callback, limits=limits)


def test_a_run_starts_from_parameters_of_the_seed():
    one, same, other = (initial_checkpoint(small(seed=seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.theta, same.theta) and not np.array_equal(one.theta, other.theta)
    assert (one.global_step, one.workers) == (0, []) and one.statistics is one.target is None
    shared = Trainer(one).shared
    assert np.array_equal(shared.theta, one.theta) and not shared.statistics.any() and not shared.target.size


@pytest.mark.parametrize("reason", [None, "no colours"])
def test_the_curve_is_drawn_when_all_is_written(tmp_path, reason):
    found = []

    def draw_curve(folder):
        found.append(sorted(path.name for path in folder.iterdir()))
        return reason
    config, out = small(total_steps=200), tmp_path / "run"
    RunFolder(out).create(config.to_json())
    Trainer(initial_checkpoint(config), out, draw_curve=draw_curve).run()
    assert len(found) == 1 and "final.npz" in found[0]
    assert [row["event"] for row in rows(out / "events.csv")] == ["no learning curve: no colours"] * bool(reason)


def test_a_value_methods_run_starts_with_its_target_at_theta():
    start = initial_checkpoint(small(algorithm="n_step_q", optimizer="local_rmsprop", workers=3))
    shared = Trainer(start).shared
    assert np.array_equal(shared.target, start.theta) and np.array_equal(shared.theta, start.theta)
    assert shared.statistics.shape == (3 * len(start.theta),) and not shared.statistics.any()
    start.target, start.statistics = start.theta + 1, np.arange(3 * len(start.theta), dtype=np.float32)
    start.global_step, start.seconds = 1000, 60.0
    trainer = Trainer(start)
    shared = trainer.shared
    assert np.array_equal(shared.target, start.theta + 1) and np.array_equal(shared.statistics, start.statistics)
    assert shared.global_step() == 1000 and 60 <= trainer.status.seconds() < 120


def test_it_ends_within_a_rollout_of_the_last_step(tmp_path):
    last = trainer(small(chances, total_steps=205), tmp_path / "run").run()
    assert 205 <= last.global_step < 225
    assert len(last.workers) == 1 and last.workers[0]["steps"] == last.global_step and last.statistics.any()
    assert not (tmp_path / "run" / "best.npz").exists()                  # fewer than 100 episodes


def test_several_workers_share_the_steps(tmp_path, monkeypatch):
    """None of them can do all before the others have begun."""
    monkeypatch.setenv("GATE_FOLDER", str(tmp_path))
    monkeypatch.setenv("TOGETHER", "3")
    last = trainer(small(Together, workers=3, total_steps=3000), tmp_path / "run").run()
    assert 3000 <= last.global_step < 3000 + 3 * 20
    assert sum(state["steps"] for state in last.workers) == last.global_step
    streams = [state["generator"]["state"]["state"] for state in last.workers]
    assert len(set(streams)) == 3 and last.streams == 3
    table = rows(tmp_path / "run" / "episodes.csv")
    assert {row["length"] for row in table} == {"9"} and {row["worker"] for row in table} == {"0", "1", "2"}


def test_reports_are_rows(tmp_path, monkeypatch):
    reports_often(monkeypatch)
    seen = []
    last = trainer(small("Catch", total_steps=20_000), tmp_path / "run", seen.append).run()
    table = rows(tmp_path / "run" / "progress.csv")
    assert len(table) - len(seen) in (0, 1) and len(seen) >= 2           # the last row may have nothing new
    assert seen[-1].global_step == last.global_step
    steps = [int(row["global_step"]) for row in table]
    seconds = [float(row["seconds"]) for row in table]
    assert steps == sorted(steps) and steps[-1] == last.global_step and seconds == sorted(seconds)
    assert all(0 < float(row["entropy"]) <= np.log(3) + 1e-6 for row in table if int(row["updates"]))


def test_checkpoints_are_written_on_the_way(tmp_path, monkeypatch):
    reports_often(monkeypatch)
    found = []

    def look(progress):
        path = tmp_path / "run" / "latest.npz"
        if path.exists() and load(path).workers != [None]:               # a slow start: the first may do without it
            found.append(load(path))
        return len(found) < 3
    trainer(small("Catch", total_steps=10**8), tmp_path / "run", look, Limits(checkpoint_seconds=0.4)).run()
    steps = [checkpoint.global_step for checkpoint in found]
    assert steps == sorted(steps) and steps[0] > 0
    assert all(checkpoint.workers[0]["steps"] == checkpoint.global_step for checkpoint in found)


def test_the_best_checkpoint_has_the_best_score(tmp_path):
    last = trainer(small("Catch", total_steps=2000), tmp_path / "run").run()
    assert load(tmp_path / "run" / "best.npz").mean_score == last.mean_score


def test_a_callback_that_raises_ends_the_run_and_loses_nothing(tmp_path):
    def callback(progress):
        raise LookupError("mine")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(LookupError, match="mine"):
        reports_often(patch)
        trainer(small(chances, total_steps=10**8), tmp_path / "run", callback).run()
    assert load(tmp_path / "run" / "latest.npz", chances).global_step >= 0


DEATHS = [
    ("raises_in_step", ["worker 0", "ArithmeticError: the environment is broken", "in step"]),
    ("raises_in_reset", ["worker 0", "ArithmeticError: the environment is broken", "in reset"]),
    ("raises_in_a_worker", ["worker 0", "ArithmeticError: the environment is broken", "in make_env"]),
    ("exits", ["worker 0", "died with exit code 7"]),
    ("kills_itself", ["worker 0", "SIGKILL"]),
    ("exits_with_0", ["worker 0"]),
]


@pytest.mark.parametrize("name, words", DEATHS, ids=[name for name, _ in DEATHS])
def test_a_worker_that_dies_ends_the_run_and_loses_nothing(tmp_path, name, words):
    factory = getattr(programs, name)
    agent = Agent(factory, workers=1)
    before = agent.policy.parameters.flat.copy()
    with pytest.raises(WorkerDied) as error:
        agent.learn(10**8, out=tmp_path / "run", limits=Limits(max_restarts=0))
    assert all(word in str(error.value) for word in words)
    latest = load(tmp_path / "run" / "latest.npz", factory)
    assert np.array_equal(latest.theta, agent.policy.parameters.flat) and not (tmp_path / "run" / "final.npz").exists()
    if name != "raises_in_a_worker":
        assert not np.array_equal(before, agent.policy.parameters.flat) and latest.global_step > 0


def test_a_worker_that_ends_before_its_first_step_ends_the_run():
    with pytest.raises(WorkerDied):
        Agent(programs.exits_before_the_first_step, workers=2).learn(10**8, limits=Limits(max_restarts=5))


def test_of_several_workers_the_dead_one_is_named():
    with pytest.raises(WorkerDied, match=r"worker [012] died with exit code 1\nTraceback"):
        Agent(programs.raises_in_step, workers=3).learn(10**8, limits=Limits(max_restarts=0))


def test_the_command_ends_with_3_and_the_traceback(tmp_path, capsys):
    out = tmp_path / "run"
    assert program("train", "tests.programs:Dies-v0", "--workers", 2, "--total-steps", 1e8, "--out", out,
                   "--max-restarts", 0) == 3
    err = capsys.readouterr().err
    assert "a3c-numba: error: worker " in err and "ArithmeticError: the environment is broken" in err
    assert load(out / "latest.npz").global_step > 0
    with open(out / "progress.csv", newline="") as file:
        assert list(csv.DictReader(file))


def test_a_factory_that_cannot_be_pickled_starts_nothing():
    with pytest.raises(ValueError, match="^the factory .* cannot be pickled for the workers: "):
        Agent(partial(Chances, at_step=threading.Lock()), workers=1)


@pytest.mark.parametrize("answer", [False, np.False_, np.array(False), np.zeros(3)[0] > 0], ids=repr)
def test_a_callback_that_ends_the_run_has_only_its_last_row(answer):
    """After it, and only if that has news."""
    calls = []
    trainer = Trainer(initial_checkpoint(small(chances, total_steps=10**6)), None, LogReporter(0.1),
                      lambda row: calls.append(row) or answer)
    trainer.run()
    assert len(calls) in (1, 2) and calls[-1].updates == trainer.status.updates.sum()
    assert trainer.final_checkpoint.global_step < 10**6


@pytest.mark.parametrize("answer", [None, np.True_, 0, np.zeros(3), ""], ids=repr)
def test_a_callback_ends_the_run_by_nothing_but_false(answer):
    calls = []
    Trainer(initial_checkpoint(small(chances, total_steps=10**7)), None, LogReporter(0.0),
            lambda row: False if len(calls) == 3 else calls.append(row) or answer).run()
    assert len(calls) == 3


def test_no_worker_is_started_for_a_run_that_is_over():
    trainer = Trainer(initial_checkpoint(small(workers=8, total_steps=1)))
    trainer.run()
    assert len(trainer.supervisor.processes) < 8 and trainer.final_checkpoint.global_step >= 1
