"""Runs that must solve their task, with the preset that a plain call chooses, each in under a minute of training."""

import time

import pytest

from a3c_numba import Agent

SECONDS = 60.0
STEPS = {"CartPole-v1": 500_000, "Acrobot-v1": 500_000}
GOALS = {"CartPole-v1": 475.0, "Acrobot-v1": -100.0}                     # mean of 100 games


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("env", GOALS)
def test_the_default_preset_solves_it_in_a_minute(env, seed):
    agent, begun = Agent(env, seed=seed), time.monotonic()
    agent.learn(STEPS[env])
    seconds = time.monotonic() - begun
    assert agent.evaluate(100, seed=1000 + seed).mean() >= GOALS[env]
    assert seconds < SECONDS
