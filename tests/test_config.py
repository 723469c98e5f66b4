"""Configurations: what they accept, and their way through JSON."""

import dataclasses
import json

import pytest

from a3c_numba.agent import configure
from a3c_numba.algorithms import A3C
from a3c_numba.config import Config, name_of
from a3c_numba.networks import MLP, Convolutional
from a3c_numba.optimizers import RMSProp
from a3c_numba.presets import PRESETS, preset_for
from tests.programs import chances, image, small


@pytest.mark.parametrize("preset", PRESETS)
def test_json_and_back(preset):
    config = configure("ALE/Pong-v5", preset, seed=3, total_steps=12, algorithm=A3C(entropy_weight=0.123))
    assert Config.from_json(config.to_json()) == config


def test_a_factory_is_kept_by_name_and_given_again():
    config = small(chances)
    assert json.loads(config.to_json())["env"] == config.env_name == "chances"
    assert Config.from_json(config.to_json(), chances) == config
    with pytest.raises(ValueError, match="'chances'.*give env="):
        Config.from_json(config.to_json())


def test_loading_takes_another_environment():
    assert Config.from_json(small("Catch").to_json(), "Corridor").env == "Corridor"


def broken(change):
    fields = json.loads(small().to_json())
    change(fields)
    return json.dumps(fields)


@pytest.mark.parametrize("change", [
    lambda fields: fields.pop("algorithm"), lambda fields: fields.pop("env_is_factory"), lambda fields: fields.clear(),
    lambda fields: fields.update(surprise=1), lambda fields: fields["algorithm"].update(surprise=1),
    lambda fields: fields["algorithm"].update(name="sarsa lambda"), lambda fields: fields["network"].pop("name"),
    lambda fields: fields.update(optimizer=3), lambda fields: fields["optimizer"].update(decay=1.0),
    lambda fields: fields["optimizer"].update(decay="a"), lambda fields: fields.update(workers=0),
    lambda fields: fields["atari"].update(frame_skip=0),
])
def test_text_of_another_making_raises_one_line(change):
    with pytest.raises(ValueError) as error:
        Config.from_json(broken(change))
    assert str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '"text"', "{"])
def test_text_of_no_configuration_raises_one_line(text):
    with pytest.raises(ValueError) as error:
        Config.from_json(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name, least", [("workers", 1), ("total_steps", 1), ("seed", 0)])
@pytest.mark.parametrize("value", [-1, 1.5, 2.0, True, "3", float("nan"), None])
def test_numbers_of_a_run_are_checked(name, least, value):
    with pytest.raises(ValueError) as error:
        dataclasses.replace(small(), **{name: value})
    assert str(error.value) == f"{name} must be a whole number, at least {least}; got {value!r}"


@pytest.mark.parametrize("part, value, message", [
    ("algorithm", A3C(discount=1.01), "discount must be at least 0 and at most 1; got 1.01"),
    ("algorithm", A3C(gae_lambda=float("nan")), "gae_lambda must be at least 0 and at most 1; got nan"),
    ("algorithm", A3C(entropy_weight=float("inf")), "entropy_weight must be at least 0; got inf"),
    ("algorithm", A3C(t_max=0), "t_max must be at least 1; got 0"),
    ("optimizer", RMSProp(learning_rate=0.0), "learning_rate must be above 0; got 0.0"),
    ("optimizer", RMSProp(epsilon=float("nan")), "epsilon must be above 0; got nan"),
    ("optimizer", RMSProp(decay=1.0), "decay must be at least 0 and below 1; got 1.0"),
    ("network", MLP(hidden=0), "hidden must be at least 1; got 0"),
    ("network", MLP(body_init="zeros"), "body_init must be one of"),
])
def test_hyper_parameters_are_checked(part, value, message):
    with pytest.raises(ValueError) as error:
        dataclasses.replace(small(), **{part: value})
    assert str(error.value).startswith(message)


def test_the_environment_gets_its_atari_settings():
    config = configure("ALE/Pong-v5", "atari")
    assert config.make_env().settings == config.atari
    other = dataclasses.replace(config.atari, sticky=0.25, noop_max=0)
    assert config.make_env(sticky=0.25, noop_max=0).settings == other


def test_networks_take_what_they_are_for():
    config = small(chances)
    assert dict(config.build_network(config.make_env()).shapes)["policy"]["dense1"]["weight"] == (3, 4)
    with pytest.raises(ValueError, match=r"network convolutional does not take observations of shape \(3,\)"):
        dataclasses.replace(config, network=Convolutional()).build_network(config.make_env())
    pictures = configure(image)
    with pytest.raises(ValueError, match=r"network mlp does not take observations of shape \(36, 40, 2\)"):
        dataclasses.replace(pictures, network=MLP()).build_network(pictures.make_env())


def test_the_preset_follows_the_observations():
    assert (preset_for((84, 84, 4)), preset_for((4,))) == ("atari", "classic")
    assert configure("Catch").network == PRESETS["classic"].network
    assert configure(image).network == PRESETS["atari"].network
    with pytest.raises(ValueError, match="preset must be one of paper, atari, classic; got 'best'"):
        configure("Catch", "best")


def test_parts_that_are_none_count_as_not_given():
    assert configure("Catch", algorithm=None, workers=None) == configure("Catch")


def test_names_of_parts():
    names = [name_of(part) for part in (A3C(), RMSProp(), MLP(), Convolutional())]
    assert names == ["a3c", "rmsprop", "mlp", "convolutional"]


def test_a_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().workers = 3
