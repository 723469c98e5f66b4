"""Every method learns, with every kind of network, action and ending; on toys whose best return and values are known.

In Aim each step is worth 1 to whoever hits.  With discount g = 0.8 the best policy's value of an episode's start is

    1 / (1 - g) = 5                 where the fourth step only cuts the episode off
    1 + g + g^2 + g^3 = 2.952       where it terminates it, for a network that remembers how many steps are over

A feed-forward network cannot know the step, and learns a mean: of the returns 2.952, 2.44, 1.8, 1, which is 2.048,
where targets are whole returns; or of one-step targets, in which three states of four go on: 1 / (1 - 0.75 g) = 2.5.
A method that takes truncation for termination, forgets its bootstrap or its memory, or adds up what it should not,
finds another number.  Exploring costs the value methods that learn from what they do a few hundredths.
"""

import functools

import numpy as np
import pytest

from a3c_numba.cli import hyperparameter_options as options
from a3c_numba.envs.toys import Aim, Memory
from a3c_numba.evaluation import EvaluationSettings, evaluate
from a3c_numba.inference import Policy
from a3c_numba.presets import configure
from a3c_numba.training.trainer import Trainer, initial_checkpoint

METHODS = ["a3c", "n_step_q", "one_step_q", "one_step_sarsa"]
STEPS = 12_000
GOAL, AT_RANDOM = 3.7, 2.7                                               # of 4; the same answer everywhere has 1.33
TOLERANCE = 0.1                                                          # of the value


def trained(env, name, recurrent, seed=0, **fields):
    """The configuration and where two workers end with it."""
    common = {"reward_scale": 1.0, "discount": 0.8, "learning_rate": 3e-3, "hidden": 16, "layers": 1}
    own = {"entropy_weight": 0.003} if name == "a3c" else \
        {"exploration_steps": STEPS // 4, "target_interval": 200, "final_epsilons": "0.05:1"}
    memory = {"recurrent": True, "cells": 16} if recurrent else {}
    config = configure(env, "classic", algorithm=name, workers=2, total_steps=STEPS, seed=seed)
    config = options.apply(config, common | own | memory | fields)
    return config, Trainer(initial_checkpoint(config)).run()


def learned(goal, env, name, recurrent, **fields):
    """The same, of a run that reaches the goal; one in a hundred gets stuck, and is made good by another.

    By two: of seed 1 and a Gaussian whose episodes terminate, two runs in five stay below the goal.
    """
    for seed in range(3):
        config, last = trained(env, name, recurrent, seed, **fields)
        if greedy_mean(config, last.theta) >= goal:
            break
    return config, last


def greedy_mean(config, theta):
    games = evaluate(config, theta, EvaluationSettings(episodes=40, deterministic=True, seed=1))
    return np.mean([game.score for game in games])


def value_at_the_start(config, theta):
    """The mean over the three places, of a network that remembers nothing yet."""
    env = config.make_env()
    policy = Policy(config.build_network(env), config.algorithm, env.action_space, theta)
    outputs = [policy.outputs(place[None], policy.initial_state(1))[0] for place in np.eye(3, dtype=np.float32)]
    return np.mean([config.algorithm.value(output)[0] for output in outputs])


def best_value(name, recurrent, truncates):
    """What the head of this file says."""
    if truncates:
        return 5.0
    if recurrent:
        return 2.952
    return 2.5 if name.startswith("one_step") else 2.048


CASES = [(name, False) for name in METHODS] + [("a3c", True)]


@pytest.mark.parametrize("truncates", [False, True], ids=["terminated", "truncated"])
@pytest.mark.parametrize("recurrent", [pytest.param(False, id="feed-forward"),
                                       pytest.param(True, id="recurrent", marks=pytest.mark.long)])
@pytest.mark.parametrize("name, continuous", CASES, ids=[*METHODS, "a3c continuous"])
def test_a_method_finds_the_best_actions_and_what_they_are_worth(name, continuous, recurrent, truncates):
    env = functools.partial(Aim, continuous=continuous, truncates=truncates)
    config, last = learned(GOAL, env, name, recurrent)
    assert greedy_mean(config, initial_checkpoint(config).theta) < AT_RANDOM
    assert greedy_mean(config, last.theta) >= GOAL
    assert value_at_the_start(config, last.theta) == pytest.approx(best_value(name, recurrent, truncates),
                                                                   rel=TOLERANCE)


@pytest.mark.parametrize("name", ["a3c", "n_step_q"])
@pytest.mark.long
def test_a_memory_is_needed_and_used(name):
    """A feed-forward policy says the same whatever the cue was: right by chance, 0 in the mean, less than 0.5 here."""
    config, last = learned(0.95, Memory, name, True, discount=0.99)
    assert greedy_mean(config, last.theta) >= 0.95
    config, last = trained(Memory, name, False, discount=0.99)
    assert abs(greedy_mean(config, last.theta)) < 0.5
