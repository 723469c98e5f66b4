"""Hyper-parameters as keywords of ``Agent``, and what its repr says of them."""

import dataclasses
import inspect
import pickle

import numpy as np
import pytest

from a3c_numba import A3C, MLP, Agent, GymSettings, RMSProp
from a3c_numba.config import MENUS
from a3c_numba.hyperparameters_by_name import describe, override, owners
from a3c_numba.presets import PRESETS, configure
from tests.programs import program

CLASSIC = PRESETS["classic"]


def test_a_keyword_replaces_a_value_of_the_preset():
    config = Agent("CartPole-v1", entropy_weight=1e-3, learning_rate=1e-3, hidden=128, action_repeat=2).config
    wanted = configure("CartPole-v1", algorithm=dataclasses.replace(CLASSIC.algorithms["a3c"], entropy_weight=1e-3),
                       optimizer=dataclasses.replace(CLASSIC.optimizer, learning_rate=1e-3), network=MLP(hidden=128),
                       gym=GymSettings(action_repeat=2))
    assert config == wanted
    agent = Agent("CartPole-v1", entropy_weight=1e-3, workers=1, hidden=np.int64(8), recurrent=np.True_)
    assert agent.parameters()["policy.dense1.weight"].shape == (4, 8) and agent.policy.state_size


def test_a_keyword_reaches_a_part_given_by_name_or_as_an_object():
    named = Agent("CartPole-v1", "n_step_q", "momentum_sgd", t_max=7, momentum=0.5).config
    assert named.algorithm == dataclasses.replace(CLASSIC.algorithms["n_step_q"], t_max=7)
    assert (named.optimizer.momentum, named.optimizer.learning_rate) == (0.5, CLASSIC.optimizer.learning_rate)
    assert Agent("CartPole-v1", A3C(t_max=7), discount=0.5).config.algorithm == A3C(t_max=7, discount=0.5)
    assert Agent("CartPole-v1", A3C(entropy_weight=1e-4)).config.algorithm == A3C(entropy_weight=1e-4)


def test_options_and_keywords_make_one_configuration(monkeypatch):
    made = []
    monkeypatch.setattr("a3c_numba.cli.train.initial_checkpoint", lambda config: made.append(config) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        program("train", "CartPole-v1", "--entropy-weight", 1e-3, "--recurrent", "--cells", 9, "--no-clip-rewards")
    assert made == [Agent("CartPole-v1", entropy_weight=1e-3, recurrent=True, cells=9, clip_rewards=False).config]


def test_no_name_has_two_meanings():
    assert all(len({part for part, _, _ in found}) == 1 for found in owners().values())
    assert not owners().keys() & inspect.signature(Agent).parameters.keys()


@pytest.mark.parametrize("name, near", [
    ("hiden", "hidden or dense"), ("lr", "learning_rate"), ("gamma", "discount"), ("beta", "entropy_weight"),
    ("gae", "gae_lambda"), ("ent_coef", "entropy_weight or entropy_share_left"), ("alpha", "decay or momentum"),
    ("init", "body_init or head_init"), ("entropy", "entropy_weight or entropy_share_left"),
    ("algoritm", "algorithm"), ("total_steps", r"learn\(total_steps=...\)"),
    ("max_grad_norm", "max_gradient_norm or max_frames")])
def test_an_unknown_name_is_one_line_with_near_matches(name, near):
    with pytest.raises(ValueError, match=rf"^no hyper-parameter is called '{name}'; did you mean {near}\?$"):
        Agent("CartPole-v1", **{name: 1})


@pytest.mark.parametrize("values, line", [
    ({"buffer": 1}, "no hyper-parameter is called 'buffer'$"),
    ({"a" * 1000: 1}, "no hyper-parameter is called 'a{100,} ...$"),
    ({"momentum": 0.5}, "momentum is a hyper-parameter of momentum_sgd, which this run does not use$"),
    ({"frame_skip": 2}, "frame_skip is a hyper-parameter of atari, which this run does not use$"),
    ({"cells": 9}, "cells needs recurrent: cells of the LSTM"),
    ({"recurrent": 1}, "recurrent must be of type bool; got 1$"), ({"hidden": None}, "hidden must be of type int; got"),
    ({"entropy_weight": -1}, "entropy_weight must be at least 0; got -1$"),
    ({"learning_rate": "fast"}, "learning_rate must be of type float; got 'fast'$")])
def test_a_value_that_cannot_be_used_is_one_line(values, line):
    with pytest.raises(ValueError, match=f"^{line}") as error:
        Agent("CartPole-v1", **values)
    assert "\n" not in str(error.value) and "--" not in str(error.value)


@pytest.mark.parametrize("parts, preset, paper", [
    ({}, "classic: no difference", "but for workers=8 (not 16), t_max=20 (not 5), gae_lambda=0.98 (not 1.0), "),
    ({"entropy_weight": 0.01, "hidden": 128}, "classic but for entropy_weight=0.01 (not 0.0001), hidden=128 (not 64)",
     "gae_lambda=0.98 (not 1.0), entropy_share_left=0.0 (not 1.0)"),
    ({"algorithm": A3C(entropy_weight=1e-4), "workers": 2},
     "classic but for workers=2 (not 8), t_max=5 (not 20), gae_lambda=1.0 (not 0.98), "
     "entropy_share_left=1.0 (not 0.0), "
     "clip_rewards=True (not False), reward_scale=1.0 (not 0.01)",
     "but for workers=2 (not 16), entropy_weight=0.0001 (not 0.01), epsilon=1e-06 (not 0.1)"),
    ({"preset": "continuous"}, "continuous: no difference", "gae_lambda=0.9 (not 1.0)")])
def test_a_repr_shows_what_differs(parts, preset, paper):
    agent = Agent("CartPole-v1", seed=5, **parts)
    for shown in (repr(agent), repr(pickle.loads(pickle.dumps(agent)))):
        head, own, papers = shown.splitlines()
        assert head == f"Agent('CartPole-v1', seed=5): a3c, rmsprop, mlp, {agent.config.workers} workers"
        assert own == f"  preset {preset}" and paper in papers and "hidden" not in papers


def test_a_repr_of_the_papers_own_values():
    agent = Agent("ALE/Pong-v5", preset="paper", frame_skip=3)
    wanted = [f"  {name} but for frame_skip=3 (not 4)" for name in ("preset paper", "the paper")]
    assert repr(agent).splitlines()[1:] == wanted


def test_without_a_preset_the_nearest_is_compared():
    for name in ("classic", "continuous"):
        config = override(configure("CartPole-v1", name), {"hidden": 7})
        assert f"\n  preset {name} but for hidden=7 (not 64)\n" in describe(config)
    config = configure("CartPole-v1", algorithm=A3C(), optimizer=RMSProp(), network=MLP(), workers=16)
    assert describe(config).endswith("\n  preset paper: no difference\n  the paper (its network apart): no difference")


def test_every_part_of_every_preset_can_be_described():
    for preset in PRESETS:
        for algorithm in MENUS["algorithm"]:
            for optimizer in MENUS["optimizer"]:
                config = configure("Catch", preset, algorithm=algorithm, optimizer=optimizer)
                assert f"\n  preset {preset}: no difference\n" in describe(config, preset)


class Delegating:
    """A method of one's own that is no dataclass."""

    def __init__(self):
        self.method = A3C()

    def __getattr__(self, name):
        if name.startswith("__") or name == "method":
            raise AttributeError(name)
        return getattr(self.method, name)


def test_parts_of_ones_own_are_named_and_others_compared():
    agent = Agent("Catch", algorithm=Delegating(), hidden=32)
    head, own, _ = repr(agent).splitlines()
    assert head == "Agent('Catch', seed=0): Delegating, rmsprop, mlp, 8 workers"
    assert own == "  preset classic but for hidden=32 (not 64)"
    with pytest.raises(ValueError, match="^entropy_weight is a hyper-parameter of a3c, which this run does not use$"):
        Agent("Catch", algorithm=Delegating(), entropy_weight=1e-3)
