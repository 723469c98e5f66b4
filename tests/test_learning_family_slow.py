"""Runs that must solve their task with what a plain call chooses: all methods on CartPole, A3C on Pendulum."""

import pytest

from a3c_numba import Agent

GAMES = 100
STEPS = {"a3c": 500_000, "n_step_q": 600_000, "one_step_q": 400_000, "one_step_sarsa": 400_000}


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_every_method_solves_cart_pole(name):
    agent = Agent("CartPole-v1", name)
    agent.learn(STEPS[name])
    assert agent.evaluate(GAMES, seed=1000).mean() >= 475


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a3c_swings_the_pendulum_up(seed):
    agent = Agent("Pendulum-v1", seed=seed)
    before = agent.evaluate(20, seed=1000).mean()
    agent.learn(1_000_000)
    assert before < -900 and agent.evaluate(GAMES, seed=1000).mean() >= -300
