"""Runs with the preset that a plain call chooses: each solves its task in under a minute, or keeps its layer alive."""

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


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_breakout_keeps_its_hidden_units(seed):
    """With value_weight 0.5 the dense layer was dead by then in eight of sixteen runs."""
    rows = []
    Agent("ALE/Breakout-v5", seed=seed, workers=4).learn(100_000, anneal_steps=10_000_000, callback=rows.append)
    assert rows[-1].units_on > 0.01
