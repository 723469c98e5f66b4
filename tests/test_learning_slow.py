"""Runs that must solve their task, with the preset that a plain call chooses, each in under a minute of training."""

import time

import pytest

from a3c_numba import Agent

SECONDS = 60.0
STEPS = {"CartPole-v1": 500_000, "Acrobot-v1": 500_000}
GOALS = {"CartPole-v1": 475.0, "Acrobot-v1": -100.0}                     # mean of 100 games


@pytest.mark.slow
@pytest.mark.parametrize("env", GOALS)
def test_the_default_preset_solves_it_in_a_minute(env):
    """Two seeds of three at least: one run of Acrobot in about thirty never happens upon the goal."""
    means = []
    for seed in range(3):
        agent, begun = Agent(env, seed=seed), time.monotonic()
        agent.learn(STEPS[env])
        assert time.monotonic() - begun < SECONDS
        means.append(agent.evaluate(100, seed=1000 + seed).mean())
    assert sum(mean >= GOALS[env] for mean in means) >= 2, means
