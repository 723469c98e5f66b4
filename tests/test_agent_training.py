"""Seeing and steering a training from Python: callbacks, evaluations, the score to stop at, a further ``learn``."""

import copy
import gc
import logging
import math
import os

import numpy as np
import pytest

from a3c_numba import DQN, MLP, Agent, Limits
from a3c_numba.agent_training import LiveProgress, begins_anew
from a3c_numba.config import Config
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.progress import Progress
from tests.programs import chances, small
from tests.runs.test_run_folder import rows

EVERY, EPISODES = 1000, 6


def little(env="Catch", algorithm=None, **parts):
    return Agent(env, algorithm, network=MLP(hidden=8), workers=1, **parts)


def said(caplog):
    return [record.getMessage() for record in caplog.records]


class Watched:
    """A run of Catch with evaluations, and what its callbacks saw."""

    def __init__(self, folder):
        self.folder, self.agent, self.rows, self.thetas = folder, little(), [], []
        self.before = self.agent.policy.parameters.flat.copy()
        self.agent.learn(10**8, folder, self.call, callback_seconds=0.01, evaluate_every=EVERY,
                         evaluate_episodes=EPISODES)

    def call(self, progress):
        assert progress.agent is self.agent
        self.rows.append(progress)
        self.thetas.append(progress.agent.policy.parameters.flat.copy())
        if len(self.rows) == 1:
            self.played = self.agent.evaluate(5), copy.copy(progress.agent).evaluate(5)
            self.agent.save(self.folder / "saved.npz")
        trained = {row.updates for row in self.rows if row.updates}
        return len(trained) < 4 or progress.global_step < 3 * EVERY      # at the end False means nothing


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    return Watched(tmp_path_factory.mktemp("watched"))


def test_callbacks_see_the_present_parameters(watched):
    first, *moving = watched.thetas
    assert np.array_equal(*watched.played) and np.array_equal(load(watched.folder / "saved.npz").theta, first)
    assert len({theta.tobytes() for theta in moving}) >= 3               # on the way, too
    assert np.array_equal(moving[-1], watched.agent.policy.parameters.flat) and (watched.before != moving[-1]).any()


def test_the_last_callback_is_the_runs_last_row(watched):
    last, table = watched.rows[-1], rows(watched.folder / "progress.csv")
    assert isinstance(last, LiveProgress) and last._fields == Progress._fields
    assert [last.global_step, last.updates] == [int(table[-1][name]) for name in ("global_step", "updates")]
    assert len({(row.global_step, row.updates) for row in watched.rows if row.updates}) > 1
    assert watched.rows[-2][1:] != last[1:] and "agent" not in table[-1]


def test_losses_are_in_callbacks_and_in_progress_csv(watched):
    last, row = watched.rows[-1], rows(watched.folder / "progress.csv")[-1]
    for name in ("policy_loss", "value_loss", "explained_variance"):
        assert math.isfinite(getattr(last, name)) and float(row[name]) == pytest.approx(getattr(last, name), rel=1e-6)
    assert last.value_loss > 0 and last.explained_variance <= 1


def test_evaluations_are_rows_of_the_steps_they_are_of(watched):
    table = rows(watched.folder / "evaluations.csv")
    steps = [int(row["global_step"]) for row in table]
    assert steps == sorted(set(steps)) and steps[0] >= EVERY
    assert steps[-1] == load(watched.folder / "latest.npz").global_step
    assert {(row["episodes"], row["different"]) for row in table} == {(f"{EPISODES}", f"{EPISODES}")}
    scores = watched.agent.evaluate(EPISODES)
    assert [float(table[-1][name]) for name in ("mean", "min", "max")] == pytest.approx(
        [scores.mean(), scores.min(), scores.max()])
    step, figures = watched.rows[-1].evaluation
    assert (step, figures.mean) == (steps[-1], scores.mean()) and watched.rows[0].evaluation is None
    best = load(watched.folder / "best.npz")
    assert best.evaluation_score == pytest.approx(max(float(row["mean"]) for row in table))
    assert best.global_step in steps


def test_a_resumed_run_appends_its_evaluations(watched, tmp_path):
    folder = copy_of(watched.folder, tmp_path)
    before = rows(folder / "evaluations.csv")
    end, seen = int(before[-1]["global_step"]) + EVERY, []
    agent = Agent.resume(folder, total_steps=end, evaluate_every=EVERY, evaluate_episodes=3, stop_at=5,
                         callback=lambda progress: seen.append(progress.agent))
    assert {*map(id, seen)} == {id(agent)}
    after = rows(folder / "evaluations.csv")
    assert after[:len(before)] == before and {row["episodes"] for row in after[len(before):]} == {"3"}
    assert int(after[-1]["global_step"]) >= end
    assert not any("best.npz" in row["event"] for row in rows(folder / "events.csv"))


def test_without_evaluations_best_is_by_training_and_says_so(watched, tmp_path, caplog):
    folder = copy_of(watched.folder, tmp_path)
    Agent.resume(folder, total_steps=load(folder / "latest.npz").global_step + 100)
    assert rows(folder / "evaluations.csv") == rows(watched.folder / "evaluations.csv")
    assert "best.npz is chosen by the training score from now on, and was not before" in said(caplog)


def copy_of(folder, path):
    for file in folder.iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    return path


def test_a_short_run_calls_back_once_and_keeps_no_evaluations(tmp_path):
    seen = []
    little().learn(300, tmp_path, seen.append)
    assert len(seen) == 1 and seen[0].global_step >= 300 and not (tmp_path / "evaluations.csv").exists()


def test_a_callback_that_ends_the_run_is_not_given_a_row_twice():
    seen = []
    little(chances).learn(10**8, callback=lambda row: seen.append(row) or bool(not row.updates), callback_seconds=0.01)
    last = [(row.global_step, row.policy_loss) for row in seen if row.updates]
    assert 1 <= len(last) == len({*last}) <= 2                           # that which ended it, and the last one


def test_a_run_stops_at_the_score_of_100_games(tmp_path, caplog):
    """Corridor is solved in its first seconds; 100 games are needed all the same."""
    agent = little("Corridor").learn(10**8, tmp_path, stop_at=-10.0)
    assert len(rows(tmp_path / "episodes.csv")) >= 100 and load(tmp_path / "final.npz").global_step < 10**8
    line, = said(caplog)
    assert line.startswith("the mean score of the last 100 training games, ") and "is at least -10" in line
    assert np.array_equal(load(tmp_path / "final.npz").theta, agent.policy.parameters.flat)


@pytest.mark.parametrize("option, value, line", [
    ("callback_seconds", 0, "callback_seconds must be above 0; got 0"),
    ("callback_seconds", -1.5, "callback_seconds must be above 0; got -1.5"),
    ("callback_seconds", float("nan"), "callback_seconds must be a finite number; got nan"),
    ("callback_seconds", "5", "callback_seconds must be a finite number; got '5'"),
    ("evaluate_every", 0, "evaluate_every must be a whole number, at least 1; got 0"),
    ("evaluate_every", True, "evaluate_every must be a whole number, at least 1; got True"),
    ("evaluate_episodes", 0, "evaluate_episodes must be a whole number, at least 1; got 0"),
    ("stop_at", float("inf"), "stop_at must be a finite number; got inf"),
    ("stop_at", "high", "stop_at must be a finite number; got 'high'"),
])
def test_an_option_that_no_run_can_use_is_one_line(watched, tmp_path, option, value, line):
    for start in (lambda: little().learn(100, tmp_path / "run", **{option: value}),
                  lambda: Agent.resume(watched.folder, **{option: value})):
        with pytest.raises(ValueError) as error:
            start()
        assert str(error.value) == line and not (tmp_path / "run").exists()


# ---- a further learn

SHORT = {"exploration_steps": 8000, "final_epsilons": "0.01:1", "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def explorer():
    """An agent that plays Catch, after an exploration that is over."""
    return Agent("Catch", "n_step_q", workers=1, **SHORT).learn(15_000)


def test_a_second_learn_goes_on_with_the_exploration(explorer):
    """Today's epsilon is 0.01, not 1 again: then the training games score -0.5, as at random."""
    agent, seen = copy.copy(explorer), []
    agent.learn(2500, callback=seen.append)
    assert agent.config.explored == explorer._checkpoint.global_step >= 15_000
    assert seen[-1].entropy < 0.1 and seen[-1].mean_score >= 0.7
    assert agent.evaluate(100, deterministic=True).mean() >= 0.8


def test_a_file_knows_how_far_the_exploration_was(explorer, tmp_path):
    explorer.save(tmp_path / "agent.npz")
    seen = []
    loaded = Agent.load(tmp_path / "agent.npz").learn(300, tmp_path / "run", seen.append)
    assert loaded.config.explored >= 15_000 and seen[-1].entropy < 0.1
    text = (tmp_path / "run" / "config.json").read_text()
    assert Config.from_json(text) == loaded.config and load(tmp_path / "run" / "latest.npz").config == loaded.config
    loaded.learn(300)
    assert loaded.config.explored >= 15_300


def test_a_first_run_and_older_files_have_explored_nothing():
    config = small("Catch", algorithm="n_step_q")
    assert config.explored == 0 and "explored" not in config.to_json()
    assert Config.from_json(config.to_json()).explored == 0
    with pytest.raises(ValueError, match="explored must be a whole number, at least 0; got -1"):
        Config("Catch", config.algorithm, config.optimizer, config.network, explored=-1)


def test_what_begins_anew_is_one_logged_line(caplog, tmp_path):
    agent = little()
    with caplog.at_level(logging.WARNING):
        agent.learn(100)
        assert not said(caplog)
        agent.learn(100)
    line, = said(caplog)
    assert line.endswith("; begins anew: the learning rate, the entropy weight; goes on: the optimiser's statistics")
    agent.save(tmp_path / "agent.npz")
    line, = begins_anew(Agent.load(tmp_path / "agent.npz")._checkpoint)
    assert line.endswith("; begins anew: the learning rate, the entropy weight, the optimiser's statistics")
    dqn = little(algorithm=DQN(memory_size=1000, warm_up=20, exploration_steps=50)).learn(100, limits=Limits())
    assert begins_anew(dqn._checkpoint)[0].endswith(
        "begins anew: the learning rate, the replay memory; goes on: the exploration, the optimiser's statistics")


def test_nothing_of_a_run_waits_for_the_cycle_collector():
    """Shared memory and its descriptors are free when the run has ended."""
    agent = little()
    agent.learn(300, callback=lambda row: None, evaluate_every=200, evaluate_episodes=1)
    before = len(os.listdir("/proc/self/fd"))
    gc.disable()
    try:
        agent.learn(300, callback=lambda row: None, evaluate_every=200, evaluate_episodes=1)
        assert len(os.listdir("/proc/self/fd")) <= before
    finally:
        gc.enable()


def test_an_agent_cannot_learn_inside_its_own_callback(tmp_path):
    refused = []

    def learn_again(row):
        with pytest.raises(ValueError, match="^this agent is learning: .*copy.copy"):
            row.agent.learn(100)
        refused.append(copy.copy(row.agent).learn(100))
    little().learn(300, callback=learn_again)
    assert refused


def test_what_begins_anew_names_the_last_runs_steps(caplog):
    agent = little().learn(300)
    for _ in range(2):
        steps = agent._checkpoint.global_step
        caplog.clear()
        agent.learn(300)
        assert f"learning on after a run of {steps} steps" in caplog.text
