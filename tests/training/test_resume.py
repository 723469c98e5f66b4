"""A run that was interrupted and resumed is the run that was not, number for number."""

import numpy as np
import pytest

from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.programs import program, reports_often, small
from tests.promises import Late, undisturbed
from tests.runs.test_run_folder import rows


def begin(config, out, stop=None):
    """A run from its first step; ``stop`` is the step at which it ends, if it is to end early."""
    RunFolder(out).create(config.to_json())
    return Trainer(initial_checkpoint(config), out, callback=stopping_at(stop))


def stopping_at(step):
    """A callback that ends a run at about this step, or none."""
    return None if step is None else lambda progress: progress.global_step < step


def run_whole(config, out):
    return begin(config, out).run()


def run_in_parts(config, out, stops):
    """Stop by a callback at about these steps, and go on each time from what is on disk."""
    trainer = begin(config, out, stops[0])
    for step, next_stop in zip(stops, [*stops[1:], None]):
        trainer.run()
        latest = load(out / "latest.npz")
        assert step <= latest.global_step
        if latest.global_step >= config.total_steps:
            raise Late("the run had ended before it could be interrupted")
        if None in latest.workers:
            raise Late("STOP_SECONDS was not enough for the worker to say where it is")
        scores = RunFolder(out).cut_after(latest.global_step)
        trainer = Trainer(latest, out, callback=stopping_at(next_stop))
        trainer.progress_tracker.resume_from(scores)
    return trainer.run()


def same(one, other):
    assert one.global_step == other.global_step and one.streams == other.streams
    assert one.workers[0]["generator"] == other.workers[0]["generator"]
    assert one.workers[0]["episode_seed"] == other.workers[0]["episode_seed"]
    assert one.workers[0]["episode_actions"] == other.workers[0]["episode_actions"]
    assert np.array_equal(one.theta, other.theta) and np.array_equal(one.statistics, other.statistics)
    assert one.mean_score == other.mean_score


@pytest.mark.parametrize("env, steps, stops", [("Catch", 9000, (1500, 4000)), ("CartPole-v1", 6000, (1500,)),
                                               ("ALE/Pong-v5", 700, (200,))])
@undisturbed
def test_resuming_is_exact_with_one_worker(tmp_path, monkeypatch, env, steps, stops):
    """No more games than a ring holds: none is lost while the disk holds up who reads them."""
    reports_often(monkeypatch)
    monkeypatch.setattr("a3c_numba.training.trainer.POLL_SECONDS", 0.02)
    config = configure(env, workers=1, total_steps=steps)
    one, other = run_whole(config, tmp_path / "whole"), run_in_parts(config, tmp_path / "parts", stops)
    same(one, other)
    columns = ("global_step", "worker", "score", "length")
    tables = [[[row[name] for name in columns] for row in rows(tmp_path / name / "episodes.csv")]
              for name in ("whole", "parts")]
    assert tables[0] == tables[1]
    progress = rows(tmp_path / "parts" / "progress.csv")
    for column in ("global_step", "seconds", "episodes"):
        values = [float(row[column]) for row in progress]
        assert values == sorted(values), column
    for row in progress:
        eta = config.optimizer.learning_rate * max(0.0, 1 - int(row["global_step"]) / steps)
        assert float(row["learning_rate"]) == pytest.approx(eta, rel=1e-6)


def test_the_command_goes_on_where_it_was(tmp_path, capsys):
    out = tmp_path / "run"
    train = ["train", "Catch", "--workers", 1, "--out", out, "--total-steps"]
    assert program(*train, 1500) == 0
    before, first = load(out / "latest.npz"), rows(out / "episodes.csv")
    assert program("train", "--resume", out, "--total-steps", 3000) == 0
    after, table = load(out / "final.npz"), rows(out / "episodes.csv")
    assert before.global_step < 3000 <= after.global_step < 3020 and after.seconds > before.seconds
    assert table[:len(first)] == first and len(table) == after.global_step // 9
    steps = [int(row["global_step"]) for row in rows(out / "progress.csv")]
    assert steps == sorted(steps) and steps[-1] == after.global_step
    assert "3,000 steps" in capsys.readouterr().err


def rates(out):
    return [float(row["learning_rate"]) for row in rows(out / "progress.csv")]


def test_annealing_may_be_longer_than_the_run(tmp_path, capsys):
    """And then an extended run goes on with the learning rate that it had reached."""
    out = tmp_path / "run"
    eta = configure("Catch").optimizer.learning_rate
    assert program("train", "Catch", "--workers", 1, "--out", out, "--total-steps", 900, "--anneal-steps", 3600) == 0
    step = load(out / "final.npz").global_step
    assert rates(out)[-1] == pytest.approx(eta * (1 - step / 3600), rel=1e-6)
    capsys.readouterr()
    assert program("train", "--resume", out, "--total-steps", 1800) == 0
    assert "learning rate" not in capsys.readouterr().err and rates(out)[-1] == pytest.approx(eta / 2, rel=0.01)


def test_extending_a_run_says_what_the_learning_rate_does(tmp_path, capsys):
    out = tmp_path / "run"
    eta = configure("Catch").optimizer.learning_rate
    assert program("train", "Catch", "--workers", 1, "--out", out, "--total-steps", 900) == 0
    step = load(out / "final.npz").global_step
    capsys.readouterr()
    assert program("train", "--resume", out, "--total-steps", 1800) == 0
    now = f"{eta * (1 - step / 1800):.2g}"
    assert (f"warning: the learning rate was 0 at step {step}, and is {now} now: it is annealed to 0 at step 1,800 "
            "instead of 900") in capsys.readouterr().err
    assert program("train", "--resume", out, "--total-steps", 2700, "--anneal-steps", 1800) == 0
    assert "from step 1,800 on (anneal_steps) the learning rate is 0" in capsys.readouterr().err
    assert rates(out)[-1] == 0


def increments(checkpoint):
    """What tells the random streams of workers apart, None where a worker has not begun or was lost."""
    return [state and state["generator"]["state"]["inc"] for state in checkpoint.workers]


@undisturbed
def test_resuming_with_several_workers_uses_no_stream_twice(tmp_path, monkeypatch):
    """On a busy machine the second worker may not have begun when the run is stopped; it then begins with a new one."""
    reports_often(monkeypatch)
    begin(small("Catch", workers=2, total_steps=20_000), tmp_path / "run", stop=3000).run()
    middle = load(tmp_path / "run" / "latest.npz")
    assert 3000 <= middle.global_step
    if middle.global_step >= 20_000:
        raise Late("the run had ended before it could be interrupted")
    last = Trainer(middle, tmp_path / "run").run()
    begun = sum(before is None is not after for before, after in zip(middle.workers, last.workers, strict=True))
    assert last.streams == middle.streams + begun and last.global_step >= 20_000
    assert all(before in (None, after) for before, after in zip(increments(middle), increments(last), strict=True))
    known = [increment for increment in increments(last) if increment is not None]
    assert known and len(set(known)) == len(known)


def test_a_worker_whose_state_was_lost_gets_a_new_stream(tmp_path):
    config = small("Catch", total_steps=1000)
    start = initial_checkpoint(config)
    start.workers, start.streams = [None], 1
    last = Trainer(start).run()
    assert last.streams == 2
