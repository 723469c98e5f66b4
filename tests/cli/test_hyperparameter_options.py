"""Options derived from the fields of the hyper-parameters."""

import argparse
import dataclasses

import pytest

from a3c_numba.cli import hyperparameter_options as options
from a3c_numba.config import MENUS
from a3c_numba.presets import configure
from tests.programs import small

FIELDS = sorted({field.name for menu in MENUS.values() for cls in menu.values() for field in dataclasses.fields(cls)})

SWITCHES = sorted({field.name for menu in MENUS.values() for cls in menu.values() for field in dataclasses.fields(cls)
                   if isinstance(field.default, bool)})


def parse(*arguments):
    parser = argparse.ArgumentParser(exit_on_error=False)
    options.add_hyper_parameters(parser)
    return parser, parser.parse_args([str(argument) for argument in arguments])


@pytest.mark.parametrize("text, value", [("12", 12), ("5e6", 5_000_000), ("5_000_000", 5_000_000), ("-3", -3),
                                         ("1e0", 1)])
def test_whole_numbers_are_read(text, value):
    assert options.number(text) == value and type(options.number(text)) is int


@pytest.mark.parametrize("text", ["1.5", "", "many", "nan", "inf", "-inf", "1e999", "1e-3"])
def test_other_numbers_are_refused(text):
    with pytest.raises((ValueError, argparse.ArgumentTypeError)):
        options.number(text)


@pytest.mark.parametrize("name", SWITCHES)
def test_switches_are_turned_on_and_off(name):
    option = name.replace("_", "-")
    assert options.given(parse(f"--{option}")[1]) == {name: True}
    assert options.given(parse(f"--no-{option}")[1]) == {name: False}


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_an_option_whose_help_says_the_default(name):
    parser, nothing = parse()
    assert getattr(nothing, name) is None
    action = next(action for action in parser._actions if action.dest == name)
    names = [f"--{name}", f"--no-{name}"] if name in SWITCHES else [f"--{name}"]
    assert action.option_strings == [each.replace("_", "-") for each in names] and "(default" in action.help


def test_the_help_can_be_printed_and_names_presets():
    parser, _ = parse()
    assert "t_max" in parser.format_help() and "atari: 20" in " ".join(parser.format_help().split())


def test_given_is_what_was_typed():
    _, typed = parse("--entropy-weight", "0.5", "--t-max", "7", "--no-clip-rewards", "--body-init", "orthogonal")
    assert options.given(typed) == {"entropy_weight": 0.5, "t_max": 7, "clip_rewards": False,
                                    "body_init": "orthogonal"}


@pytest.mark.parametrize("option, text", [("--t-max", "5.5"), ("--t-max", "inf"), ("--discount", "big"),
                                          ("--clip-rewards=maybe", "maybe"), ("--hidden", "")])
def test_a_wrong_type_is_named(option, text):
    with pytest.raises(argparse.ArgumentError) as error:
        parse(*([option] if "=" in option else [option, text]))
    assert option.split("=")[0] in str(error.value) and repr(text) in str(error.value)


def test_apply_replaces_the_fields_and_nothing_else():
    config = small()
    changed = options.apply(config, {"entropy_weight": 0.5, "learning_rate": 1e-5, "hidden": 9})
    assert (changed.algorithm.entropy_weight, changed.optimizer.learning_rate) == (0.5, 1e-5)
    assert changed.network.hidden == 9
    assert options.apply(config, {}) == config
    back = {"entropy_weight": config.algorithm.entropy_weight, "learning_rate": config.optimizer.learning_rate,
            "hidden": config.network.hidden}
    assert options.apply(changed, back) == config


def test_an_option_of_another_part_is_refused_with_its_owner():
    with pytest.raises(ValueError, match="--dense is a hyper-parameter of convolutional, which this run does not use"):
        options.apply(small(), {"dense": 100})


@pytest.mark.parametrize("name, value", [("discount", 1.5), ("learning_rate", float("nan")), ("t_max", 0)])
def test_apply_raises_for_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"{name} must be .*; got {value}"):
        options.apply(small(), {name: value})


def test_options_that_belong_together_are_applied_together():
    config = configure("ALE/Pong-v5")
    changed = options.apply(config, {"noop_max": 200_000, "max_frames": 300_000})
    assert (changed.atari.noop_max, changed.atari.max_frames) == (200_000, 300_000)


def test_the_emulators_options_are_refused_elsewhere():
    with pytest.raises(ValueError, match="--sticky is a hyper-parameter of atari, which this run does not use"):
        options.apply(configure("Catch"), {"sticky": 0.25})


@pytest.mark.parametrize("changes, message", [
    ({"momentum": 0.5}, "--momentum is a hyper-parameter of momentum_sgd, which this run does not use"),
    ({"target_interval": 9},
     "--target-interval is a hyper-parameter of n_step_q, one_step_q, one_step_sarsa, dqn, which"),
    ({"update_interval": 9}, "--update-interval is a hyper-parameter of one_step_q, one_step_sarsa, which"),
    ({"cells": 5}, "--cells needs --recurrent: cells of the LSTM"),
    ({"cells": 5, "recurrent": False}, "--cells needs --recurrent: cells of the LSTM")])
def test_an_option_without_its_condition_is_refused_and_says_it(changes, message):
    with pytest.raises(ValueError) as error:
        options.apply(small(), changes)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_cells_belong_to_a_recurrent_network():
    changed = options.apply(small(), {"recurrent": True, "cells": 5})
    assert changed.network.recurrent and changed.network.cells == 5
    assert options.apply(changed, {"cells": 6}).network.cells == 6


@pytest.mark.parametrize("algorithm", ["n_step_q", "one_step_q", "one_step_sarsa"])
def test_the_options_of_value_methods(algorithm):
    config = configure("Catch", algorithm=algorithm, optimizer="momentum_sgd")
    typed = {"target_interval": 9, "exploration_steps": 8, "final_epsilons": "0.5:1", "discount": 0.25, "momentum": 0.5}
    changed = options.apply(config, typed)
    assert changed.algorithm == dataclasses.replace(config.algorithm, **{name: typed[name] for name in typed
                                                                         if name != "momentum"})
    assert changed.optimizer == dataclasses.replace(config.optimizer, momentum=0.5)
    for option in ("entropy_weight", "value_weight", "gae_lambda"):
        with pytest.raises(ValueError, match=f"--{option.replace('_', '-')} is a hyper-parameter of a3c, which"):
            options.apply(config, {option: 0.5})
    with pytest.raises(ValueError, match="final_epsilons must be epsilon:probability"):
        options.apply(config, {"final_epsilons": "0.5:0.5"})


def test_an_option_of_several_classes_reaches_the_one_in_use():
    config = options.apply(configure("Catch", algorithm="one_step_q"), {"discount": 0.25, "epsilon": 0.5})
    assert (config.algorithm.discount, config.optimizer.epsilon) == (0.25, 0.5)
