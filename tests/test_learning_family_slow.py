"""Runs that must solve their task: all methods on CartPole, A3C on Pendulum and MountainCarContinuous."""

import pytest

from a3c_numba import Agent, GymSettings

GAMES = 100
STEPS = {"a3c": 500_000, "n_step_q": 600_000, "one_step_q": 400_000, "one_step_sarsa": 400_000, "dqn": 100_000}


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_every_method_solves_cart_pole(name):
    """Two seeds of three at least: a run of n-step Q has ended at 293, one of DQN at 444."""
    means: list[float] = []
    while sum(mean >= 475 for mean in means) < 2 and len(means) < 3:
        agent = Agent("CartPole-v1", name, seed=len(means))
        agent.learn(STEPS[name])
        means.append(agent.evaluate(GAMES, seed=1000).mean())
    assert sum(mean >= 475 for mean in means) >= 2, means


@pytest.mark.slow
def test_a3c_swings_the_pendulum_up():
    """Two seeds of three at least: one run of fifteen has ended at -485."""
    means = []
    for seed in range(3):
        agent = Agent("Pendulum-v1", seed=seed)
        assert agent.evaluate(20, seed=1000).mean() < -900
        agent.learn(1_000_000)
        means.append(agent.evaluate(GAMES, seed=1000).mean())
    assert sum(mean >= -300 for mean in means) >= 2, means


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a3c_drives_the_car_up_the_hill_with_held_actions(seed):
    agent = Agent("MountainCarContinuous-v0", seed=seed, gym=GymSettings(action_repeat=8))
    agent.learn(300_000)
    assert agent.evaluate(GAMES, seed=1000).mean() >= 90                 # which counts as solved
