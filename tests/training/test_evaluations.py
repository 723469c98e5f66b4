"""When a run is evaluated, what is skipped, what fails, and how it ends: with an evaluator that is no process."""

import dataclasses
import signal

import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.event_log import EventLog
from a3c_numba.runs.progress import Figures
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.evaluations import Evaluations
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.programs import small
from tests.runs.test_run_folder import rows


def figures(mean):
    return Figures(5, 5, mean, 0.1, mean - 1, mean + 1)


class Evaluator:
    """Is over with an evaluation at the next look, or after ``looks``; an Exception among the means is raised."""

    def __init__(self, every=100, means=(), looks=1):
        self.every, self.means, self.looks, self.left = every, list(means), looks, 0
        self.thetas, self.closed, self.at_look = [], 0, lambda: None

    def start(self, theta):
        self.thetas.append(theta)
        self.left = self.looks

    def result(self, seconds=0.0):
        self.at_look()
        self.left -= 1
        if self.left > 0:
            return None
        mean = self.means.pop(0) if self.means else 0.0
        if isinstance(mean, Exception):
            raise mean
        return figures(mean)

    def close(self):
        self.closed += 1


@pytest.fixture(scope="module")
def start():
    return initial_checkpoint(small("Catch"))


class Schedule:
    """Evaluations, what they recorded, and a T that a test moves on."""

    def __init__(self, start, evaluator, step=0):
        self.start, self.recorded, self.events = start, [], EventLog()
        self.evaluations = Evaluations(evaluator, step, lambda *row: self.recorded.append(row), self.events)

    def at(self, *steps):
        for step in steps:
            self.evaluations.poll(step, lambda: dataclasses.replace(self.start, global_step=step))
        return [checkpoint.global_step for checkpoint, _ in self.recorded]

    def finish(self, step, is_interrupted=lambda: False):
        """The lines that are said meanwhile."""
        said = []
        self.evaluations.finish(dataclasses.replace(self.start, global_step=step), is_interrupted, said.append)
        return said


def test_each_multiple_is_evaluated_once_at_its_step(start):
    evaluator = Evaluator()
    schedule = Schedule(start, evaluator)
    assert schedule.at(0, 99) == [] and not evaluator.thetas
    assert schedule.at(103, 110, 199) == [103]
    assert schedule.at(200, 205, 520, 521, 599) == [103, 200, 520]
    assert schedule.evaluations.latest == (520, figures(0.0)) and not schedule.events.events


def test_a_resumed_run_goes_on_with_the_schedule(start):
    assert Schedule(start, Evaluator(), 250).at(251, 299, 301, 302) == [301]
    assert Schedule(start, Evaluator(), 300).at(301, 399, 400, 401) == [400]


def test_what_is_due_meanwhile_is_skipped_and_said_once(start):
    schedule = Schedule(start, Evaluator(looks=4))
    assert schedule.at(100, 200, 300, 350, 390, 400) == [100]
    line, = schedule.events.sentences()
    assert line == ("the evaluation due at step 200 is skipped, that of step 100 is still running: from now on the "
                    "same without a line")


def test_a_failure_is_an_event_and_the_next_one_is_tried(start):
    schedule = Schedule(start, Evaluator(means=[ArithmeticError("broken\nenvironment"), 0.5]))
    assert schedule.at(100, 101, 200, 201) == [200]
    assert schedule.events.sentences() == ["the evaluation of step 100 failed: ArithmeticError: broken environment"]
    refusing = Evaluator()
    refusing.start = lambda theta: 1 / 0
    schedule = Schedule(start, refusing)
    assert schedule.at(100, 101) == [] and "step 100 failed: ZeroDivisionError" in schedule.events.sentences()[0]


def test_the_end_waits_for_what_runs_and_evaluates_the_last(start):
    evaluator = Evaluator(looks=3)
    schedule = Schedule(start, evaluator)
    schedule.at(100)
    assert schedule.finish(150) == []
    assert schedule.at() == [100, 150] and evaluator.closed == 1 and not schedule.events.events
    schedule.at(300)
    schedule.finish(300)
    assert schedule.at() == [100, 150, 300]                              # not once more


def test_a_long_wait_at_the_end_is_said_once_for_each(start):
    schedule = Schedule(start, Evaluator(looks=50))
    schedule.at(100)
    assert schedule.finish(150) == [f"waiting for the evaluation of step {step}; Ctrl-C skips it"
                                    for step in (100, 150)]
    assert schedule.at() == [100, 150]


def test_an_interrupt_ends_the_wait_and_closes(start):
    evaluator, seen = Evaluator(looks=10**9), []
    schedule = Schedule(start, evaluator)
    schedule.finish(150, lambda: seen.append(0) or len(seen) > 5)
    assert evaluator.closed == 1 and schedule.events.sentences() == ["the evaluation of step 150 was interrupted"]


def run_of(tmp_path, evaluator, **options):
    config = small("Catch", total_steps=options.pop("total_steps", 400))
    RunFolder(tmp_path).create(config.to_json())
    return Trainer(initial_checkpoint(config), tmp_path, evaluator=evaluator, **options)


def test_rows_and_the_best_checkpoint_are_by_evaluation(tmp_path):
    run = run_of(tmp_path, Evaluator(every=10**9, means=[0.25]), total_steps=2000)
    last = run.run()
    row, = rows(tmp_path / "evaluations.csv")
    assert int(row["global_step"]) == last.global_step and float(row["mean"]) == 0.25 and row["episodes"] == "5"
    best = load(tmp_path / "best.npz")
    assert best.evaluation_score == 0.25 and best.mean_score == last.mean_score != 0.25
    assert load(tmp_path / "final.npz").evaluation_score is None
    np.testing.assert_array_equal(best.theta, last.theta)


def test_ctrl_c_while_the_last_evaluation_runs_loses_nothing(tmp_path):
    evaluator = Evaluator(every=10**9, looks=1000)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell may have it ignored
    evaluator.at_look = lambda: signal.raise_signal(signal.SIGINT) if evaluator.closed == 0 else None
    calls = []
    try:
        with pytest.raises(KeyboardInterrupt):
            run_of(tmp_path, evaluator, callback=calls.append, callback_seconds=1e9).run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert evaluator.closed and load(tmp_path / "final.npz").global_step >= 400 and not calls
    assert rows(tmp_path / "events.csv")[-1]["event"].endswith("was interrupted")
    assert not (tmp_path / "evaluations.csv").exists()


def test_a_run_stops_at_the_mean_of_an_evaluation(tmp_path):
    evaluator = Evaluator(every=1, means=[0.1, 0.7])
    last = run_of(tmp_path, evaluator, total_steps=10**8, stop_at=0.6).run()
    assert load(tmp_path / "final.npz").global_step == last.global_step < 10**8
    event, = [row for row in rows(tmp_path / "events.csv") if row["kind"] == "stopped"]
    assert "0.7, is at least 0.6: the run ends here" in event["event"] and "the evaluation of step " in event["event"]
    assert len(evaluator.thetas) == len(rows(tmp_path / "evaluations.csv")) == 2     # none after that
    best = load(tmp_path / "best.npz")
    assert best.evaluation_score == 0.7 and np.array_equal(best.theta, evaluator.thetas[1])
