"""The state of an episode under way: bounded whatever its length, and the episode begins anew if it is too long."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a3c_numba.core.networks import MLP
from a3c_numba.training.collector_state import collector_state, is_too_long, restore
from a3c_numba.training.trainer import initial_checkpoint
from tests.core.test_worker import begun, config_of
from tests.training.fakes import handle, supervisor_of


class Endless(gymnasium.Env):
    """An episode without an end; the observation is the number of its step."""

    observation_space = Box(0, np.inf, (1,), np.float32)
    action_space = Box(-1, 1, (6,), np.float32)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.float32([self.t]), 0.0, False, False, {}


class EndlessChoice(Endless):
    """The same with one of 300 actions."""

    action_space = Discrete(300)


def worker_after(updates, env=Endless, limit=None):
    worker, _, _ = begun(config_of(env, MLP(hidden=2), 10**6))
    if limit:
        worker.collector.episode_actions.limit = limit
    for _ in range(updates):
        worker.update()
    return worker


@pytest.mark.parametrize("env", [Endless, EndlessChoice])
def test_a_state_resumes_in_the_middle_of_an_episode(env):
    worker = worker_after(7, env)
    state = json.loads(json.dumps(collector_state(worker.collector)))
    again = worker_after(0, env)
    restore(again.collector, state)
    assert again.collector.env.unwrapped.t == worker.collector.env.unwrapped.t == 35
    assert collector_state(again.collector) == state
    np.testing.assert_array_equal(again.collector.episode_actions.rows(), worker.collector.episode_actions.rows())


def test_a_state_of_a_list_of_actions_is_resumed_as_before():
    """Version 0.1 wrote it."""
    worker = worker_after(3)
    state = collector_state(worker.collector)
    again = worker_after(0)
    restore(again.collector, state | {"episode_actions": worker.collector.episode_actions.rows().tolist()})
    assert collector_state(again.collector) == state


@pytest.mark.parametrize("env", [Endless, EndlessChoice])
def test_an_episode_that_is_too_long_is_not_replayed(env):
    worker = worker_after(7, env, limit=34)
    state = json.loads(json.dumps(collector_state(worker.collector)))
    assert state["episode_actions"] is None and is_too_long(state)
    again = worker_after(0, env)
    restore(again.collector, state)
    assert again.collector.rng.bit_generator.state == worker.collector.rng.bit_generator.state
    assert again.collector.episode_seed is None
    again.update()
    assert again.collector.env.unwrapped.t == 5 and again.collector.episode_actions.count == 5


def test_the_next_episode_after_a_long_one_is_recorded():
    worker = worker_after(8, lambda: gymnasium.wrappers.TimeLimit(Endless(), 40), limit=10)
    assert not is_too_long(collector_state(worker.collector))
    worker.update()
    assert len(worker.collector.episode_actions.rows()) == 5


def test_the_largest_state_is_a_few_megabytes():
    worker = worker_after(1)
    record = worker.collector.episode_actions
    row = np.float32([0.123456789] * 6)
    while record.count < record.limit:
        record.append(row)
    assert 2e6 < len(json.dumps(collector_state(worker.collector))) < 4e6


def test_one_line_says_which_worker_begins_anew():
    start = initial_checkpoint(config_of(Endless, MLP(hidden=2), 10**6))
    start.workers = [collector_state(worker_after(7, limit=34).collector)]
    supervisor = supervisor_of(start, lambda *arguments: handle())
    line, = supervisor.events.sentences()
    assert line.startswith("worker 0 begins a new episode: ") and "108,000 steps" in line
    start.workers = [collector_state(worker_after(7).collector)]
    assert supervisor_of(start, lambda *arguments: handle()).events.sentences() == []
