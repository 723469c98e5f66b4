"""Options derived from the fields of the hyper-parameters."""

import argparse
import dataclasses

import pytest

from a3c_numba import options
from a3c_numba.agent import configure
from a3c_numba.config import MENUS
from tests.programs import small

FIELDS = sorted({field.name for menu in MENUS.values() for cls in menu.values() for field in dataclasses.fields(cls)})


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


@pytest.mark.parametrize("text, value", [("true", True), ("False", False), ("yes", True), ("no", False), ("0", False)])
def test_switches_are_read(text, value):
    assert options.boolean(text) is value


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_an_option_whose_help_says_the_default(name):
    parser, nothing = parse()
    assert getattr(nothing, name) is None
    action = next(action for action in parser._actions if action.dest == name)
    assert action.option_strings == ["--" + name.replace("_", "-")] and "(default" in action.help


def test_the_help_can_be_printed_and_names_presets():
    parser, _ = parse()
    assert "t_max" in parser.format_help() and "atari: 20" in " ".join(parser.format_help().split())


def test_given_is_what_was_typed():
    _, typed = parse("--entropy-weight", "0.5", "--t-max", "7", "--clip-rewards", "false", "--body-init", "orthogonal")
    assert options.given(typed) == {"entropy_weight": 0.5, "t_max": 7, "clip_rewards": False,
                                    "body_init": "orthogonal"}


@pytest.mark.parametrize("option, text", [("--t-max", "5.5"), ("--t-max", "inf"), ("--discount", "big"),
                                          ("--clip-rewards", "maybe"), ("--hidden", "")])
def test_a_wrong_type_is_named(option, text):
    with pytest.raises(argparse.ArgumentError) as error:
        parse(option, text)
    assert option in str(error.value) and repr(text) in str(error.value)


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
    with pytest.raises(ValueError, match="--dense is an option of convolutional, which this run does not use"):
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
    with pytest.raises(ValueError, match="--sticky is an option of atari, which this run does not use"):
        options.apply(configure("Catch"), {"sticky": 0.25})
