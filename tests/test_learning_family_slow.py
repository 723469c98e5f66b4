"""Runs of minutes that must solve their task with the classic preset: the whole family on CartPole, A3C on Pendulum."""

import numpy as np
import pytest

from a3c_numba import Agent

GAMES = 100
CART_POLE = 475.0                                                        # mean of 100 games, which counts as solved
STEPS = {"a3c": 500_000, "n_step_q": 300_000, "one_step_q": 500_000, "one_step_sarsa": 500_000}
PENDULUM, PENDULUM_STEPS = -300.0, 2_000_000                             # at random about -1200; a budget not yet tried


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_every_method_solves_cart_pole(name):
    agent = Agent("CartPole-v1", algorithm=name, preset="classic")
    agent.learn(STEPS[name])
    assert agent.evaluate(GAMES, seed=1000, deterministic=True).mean() >= CART_POLE


@pytest.mark.slow
def test_a3c_swings_the_pendulum_up():
    agent = Agent("Pendulum-v1", preset="classic")
    before = agent.evaluate(20, seed=1000).mean()
    agent.learn(PENDULUM_STEPS)
    after = agent.evaluate(GAMES, seed=1000, deterministic=True)
    assert before < -900 and np.mean(after) >= PENDULUM
