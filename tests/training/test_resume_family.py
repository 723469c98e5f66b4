"""Resuming is exact with one worker for every kind of run: what a value method, a memory or an optimiser of its own
carries from one rollout to the next is all in the checkpoint."""

import json

import numpy as np
import pytest

from a3c_numba.cli import hyperparameter_options as options
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.presets import configure
from a3c_numba.training.collector_state import collector_state, restore
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import reports_often
from tests.promises import undisturbed
from tests.runs.test_run_folder import rows
from tests.training.test_resume import run_in_parts, run_whole, same

SMALL = {"hidden": 8, "target_interval": 70, "exploration_steps": 1500}
RECURRENT = {"recurrent": True, "cells": 6, "hidden": 8}
RUNS = {
    "n_step_q": ("Catch", {"algorithm": "n_step_q"}, SMALL | {"t_max": 4}),
    "one_step_q": ("Catch", {"algorithm": "one_step_q"}, SMALL | {"update_interval": 4}),
    "one_step_sarsa": ("Catch", {"algorithm": "one_step_sarsa"}, SMALL | {"update_interval": 4}),
    "a3c recurrent": ("Memory", {}, RECURRENT | {"t_max": 3}),
    "n_step_q recurrent": ("Memory", {"algorithm": "n_step_q"}, RECURRENT | SMALL | {"t_max": 3}),
    "one_step_sarsa recurrent": ("Memory", {"algorithm": "one_step_sarsa"}, RECURRENT | SMALL | {"update_interval": 3}),
    "momentum_sgd": ("Catch", {"optimizer": "momentum_sgd"}, {"hidden": 8, "t_max": 4}),
    "local_rmsprop": ("Catch", {"optimizer": "local_rmsprop"}, {"hidden": 8, "t_max": 4}),
    "a3c continuous": ("AimContinuous", {}, {"hidden": 8, "t_max": 3}),
    "a3c continuous recurrent": ("AimContinuous", {}, RECURRENT | {"t_max": 3}),
}
WHOLE = ["n_step_q", "one_step_sarsa", "a3c recurrent", "n_step_q recurrent", "momentum_sgd", "a3c continuous"]
STEPS, STOP = 4000, 700


def config_of(name):
    env, parts, fields = RUNS[name]
    return options.apply(configure(env, workers=1, total_steps=STEPS, **parts), fields)


@pytest.mark.parametrize("name", WHOLE)
@undisturbed
@pytest.mark.long
def test_resuming_is_exact_with_one_worker(tmp_path, monkeypatch, name):
    reports_often(monkeypatch)
    monkeypatch.setattr("a3c_numba.training.trainer.POLL_SECONDS", 0.02)
    config = config_of(name)
    one, other = run_whole(config, tmp_path / "whole"), run_in_parts(config, tmp_path / "parts", (STOP,))
    same(one, other)
    for field in ("recurrent", "next_action"):
        assert one.workers[0][field] == other.workers[0][field]
    assert (one.target is None) == (not config.algorithm.uses_target_network)
    if one.target is not None:
        assert np.array_equal(one.target, other.target) and not np.array_equal(one.target, one.theta)
    columns = ("global_step", "worker", "score", "length")
    tables = [[[row[column] for column in columns] for row in rows(tmp_path / folder / "episodes.csv")]
              for folder in ("whole", "parts")]
    assert tables[0] == tables[1] and len(tables[0]) > STEPS // 20


def begun(config, seed):
    start = initial_checkpoint(config)
    shared = Shared(len(start.theta), 1, config.optimizer.own_statistics, config.algorithm.uses_target_network)
    shared.theta[:], shared.target[:] = start.theta, start.theta[:shared.target.size]
    return Worker(0, config, shared, np.random.SeedSequence(seed)), shared


@pytest.mark.parametrize("name", RUNS)
def test_a_worker_may_be_interrupted_behind_any_rollout(name):
    """Which one stop of a run does not show: in an episode's middle, at its end, with an action drawn ahead."""
    config = config_of(name)
    worker, shared = begun(config, 1)
    middles = ahead = 0
    for _ in range(12):
        other, memory = begun(config, 2)
        for mine, theirs in zip(memory.vectors, shared.vectors):
            mine[:] = theirs
        memory.resume_at(shared.global_step())
        state = json.loads(json.dumps(collector_state(worker.collector)))
        other.local.flat[:] = memory.theta                               # as a worker does that is made now
        restore(other.collector, state)
        worker.update()
        other.update()
        for mine, theirs in zip(memory.vectors, shared.vectors):
            np.testing.assert_array_equal(mine, theirs)
        assert collector_state(other.collector) == collector_state(worker.collector)
        middles += state["episode_seed"] is not None
        ahead += state["next_action"] is not None
    assert 0 < middles < 12
    assert (ahead > 0) == config.algorithm.needs_next_action
