"""Configurations: what they accept, and their way through JSON."""

import dataclasses
import json

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a3c_numba.config import Config, menu_name
from a3c_numba.core.algorithms import A3C, DQN, METHODS, NStepQ, OneStepQ, OneStepSarsa
from a3c_numba.core.networks import MLP, Convolutional
from a3c_numba.core.optimizers import OPTIMIZERS, LocalRMSProp, MomentumSGD, RMSProp
from a3c_numba.envs.make import make
from a3c_numba.presets import PRESETS, configure, preset_for
from tests.programs import chances, image, small


@pytest.mark.parametrize("preset", PRESETS)
def test_json_and_back(preset):
    config = configure("ALE/Pong-v5", preset, seed=3, total_steps=12, algorithm=A3C(entropy_weight=0.123))
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("algorithm", METHODS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", [MLP(layers=3, recurrent=True, cells=7), Convolutional(recurrent=True)])
def test_every_part_goes_through_json(algorithm, optimizer, network):
    if METHODS[algorithm].uses_replay:
        network = dataclasses.replace(network, recurrent=False)
    config = configure("ALE/Pong-v5", "atari", algorithm=algorithm, optimizer=optimizer, network=network)
    again = Config.from_json(config.to_json())
    assert again == config and type(again.algorithm) is METHODS[algorithm]
    assert type(again.optimizer) is OPTIMIZERS[optimizer]
    fields = json.loads(config.to_json())
    assert (fields["algorithm"]["name"], fields["optimizer"]["name"]) == (algorithm, optimizer)


def test_numbers_of_numpy_become_pythons():
    algorithm = A3C(t_max=np.int64(7), discount=np.float32(0.5), entropy_weight=np.float64(0.25))
    config = configure("Catch", algorithm=algorithm, workers=np.int32(3), seed=np.uint8(4))
    assert config == configure("Catch", algorithm=A3C(t_max=7, discount=0.5, entropy_weight=0.25), workers=3, seed=4)
    assert Config.from_json(config.to_json()) == config
    assert {type(config.workers), type(config.seed), type(config.algorithm.t_max)} == {int}
    assert type(config.algorithm.discount) is float


def test_booleans_and_arrays_of_one_number_are_what_they_say():
    algorithm = A3C(t_max=np.array(7), discount=np.array(0.5, np.float32), clip_rewards=np.False_)
    network = MLP(recurrent=np.True_, cells=np.uint8(3), head_init=np.str_("orthogonal"))
    kwargs = {"length": np.int64(3), "truncates": np.True_}
    config = configure("Corridor", algorithm=algorithm, network=network, workers=np.array(3), seed=np.array([4])[0],
                       total_steps=np.array(50), env_kwargs=kwargs)
    plain = configure("Corridor", algorithm=A3C(t_max=7, discount=0.5, clip_rewards=False), workers=3, seed=4,
                      network=MLP(recurrent=True, cells=3, head_init="orthogonal"), total_steps=50,
                      env_kwargs={"length": 3, "truncates": True})
    assert config == plain and config.to_json() == plain.to_json()
    assert config.make_env().unwrapped.truncates is True


@pytest.mark.parametrize("value", [np.array([7]), np.array("7"), np.True_, np.array(True), np.float64(7.5),
                                   np.array(7.5), np.datetime64(7, "s"), np.array(None)], ids=repr)
def test_what_is_no_whole_number_of_numpys_is_refused(value):
    for parts in ({"workers": value}, {"algorithm": A3C(t_max=value)}):
        with pytest.raises(ValueError, match=r"^[^\n]+ must be [^\n]+; got [^\n]+$"):
            configure("Corridor", **parts)


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
    lambda fields: fields.update(algorithm={"name": "n_step_q", "final_epsilons": "0.1:0.5"}),
    lambda fields: fields["algorithm"].update(name="n_step_q"), lambda fields: fields["network"].update(cells=1.5),
    lambda fields: fields.update(env=3), lambda fields: fields.update(env=None), lambda fields: fields.update(gym=[]),
    lambda fields: fields["algorithm"].update(name=["a3c"]), lambda fields: fields["algorithm"].update(t_max=10**4000),
    lambda fields: fields["algorithm"].update(discount=10**400), lambda fields: fields["network"].update(layers=10**9),
    lambda fields: fields["algorithm"].update({"surprise\nline": 1}), lambda fields: fields.update(seed=2**63),
])
def test_text_of_another_making_raises_one_line(change):
    with pytest.raises(ValueError) as error:
        Config.from_json(broken(change))
    assert str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '"text"', "{", "[" * 10**5, "9" * 5000])
def test_text_of_no_configuration_raises_one_line(text):
    with pytest.raises(ValueError) as error:
        Config.from_json(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name, least", [("workers", 1), ("total_steps", 1), ("anneal_steps", 1), ("seed", 0)])
@pytest.mark.parametrize("value", [-1, 1.5, -2.0, True, "3", float("nan"), float("inf"), None])
def test_numbers_of_a_run_are_checked(name, least, value):
    if (name, value) == ("anneal_steps", None):
        return                                                           # the run's length
    with pytest.raises(ValueError) as error:
        dataclasses.replace(small(), **{name: value})
    assert str(error.value) == f"{name} must be a whole number, at least {least}; got {value!r}"


@pytest.mark.parametrize("name, largest", [("workers", 1024), ("total_steps", 2**62), ("anneal_steps", 2**62),
                                           ("seed", 2**63 - 1)])
def test_numbers_of_a_run_have_a_largest_value(name, largest):
    assert Config.from_json(dataclasses.replace(small(), **{name: largest}).to_json()) is not None
    for value in (largest + 1, 10**30):
        with pytest.raises(ValueError) as error:
            dataclasses.replace(small(), **{name: value})
        assert str(error.value) == f"{name} must be a whole number, at most {largest:,}; got {value}"


@pytest.mark.parametrize("env", [3, None, [], b"Catch", np.zeros((9, 9))])
def test_an_environment_is_an_id_or_a_factory(env):
    with pytest.raises(ValueError, match="an environment is an id or a factory without arguments; got ") as error:
        dataclasses.replace(small(), env=env)
    assert "\n" not in str(error.value)


def test_numbers_in_their_ranges_may_together_be_too_much():
    config = configure("ALE/Pong-v5", "atari", network=Convolutional(recurrent=True, dense=8192, cells=8192))
    with pytest.raises(ValueError, match=r"the network has [\d,]+ parameters, at most 268,435,456 are supported"):
        config.build_network(config.make_env())
    config = configure("Catch", network=MLP(hidden=8192, layers=100))
    with pytest.raises(ValueError, match=r"the network has [\d,]+ parameters, at most 268,435,456 are supported"):
        config.build_network(config.make_env())


def test_a_rollout_may_be_long_or_its_observations_large():
    env = gymnasium.Env()
    env.action_space, env.observation_space = Discrete(2), Box(0, 255, (84, 84, 64), np.uint8)
    config = configure("ALE/Pong-v5", "atari", algorithm=A3C(t_max=4096))
    config.build_network(env)
    env.observation_space = Box(0, 255, (84, 84, 128), np.uint8)
    with pytest.raises(ValueError, match="4,096 steps between updates take 3,700,279,296 bytes of observations, at"):
        config.build_network(env)


@pytest.mark.parametrize("part, value, message", [
    ("algorithm", A3C(discount=1.01), "discount must be at least 0 and at most 1; got 1.01"),
    ("algorithm", A3C(gae_lambda=float("nan")), "gae_lambda must be at least 0 and at most 1; got nan"),
    ("algorithm", A3C(entropy_weight=float("inf")), "entropy_weight must be at least 0; got inf"),
    ("algorithm", A3C(t_max=0), "t_max must be at least 1; got 0"),
    ("optimizer", RMSProp(learning_rate=0.0), "learning_rate must be above 0; got 0.0"),
    ("optimizer", RMSProp(epsilon=float("nan")), "epsilon must be above 0; got nan"),
    ("optimizer", RMSProp(decay=1.0), "decay must be at least 0 and below 1; got 1.0"),
    ("algorithm", NStepQ(t_max=0), "t_max must be at least 1; got 0"),
    ("algorithm", OneStepQ(target_interval=0), "target_interval must be at least 1; got 0"),
    ("algorithm", OneStepQ(update_interval=0), "update_interval must be at least 1; got 0"),
    ("algorithm", OneStepSarsa(exploration_steps=0), "exploration_steps must be at least 1; got 0"),
    ("algorithm", OneStepSarsa(evaluation_epsilon=1.5), "evaluation_epsilon must be at least 0 and at most 1; got 1.5"),
    ("optimizer", MomentumSGD(momentum=1.0), "momentum must be at least 0 and below 1; got 1.0"),
    ("optimizer", LocalRMSProp(decay=1.0), "decay must be at least 0 and below 1; got 1.0"),
    ("network", MLP(layers=0), "layers must be at least 1; got 0"),
    ("network", MLP(recurrent=True, cells=0), "cells must be at least 1; got 0"),
    ("network", MLP(recurrent=1), "recurrent must be of type bool; got 1"),
    ("network", MLP(hidden=0), "hidden must be at least 1; got 0"),
    ("network", MLP(body_init="zeros"), "body_init must be one of"),
    ("optimizer", RMSProp(epsilon=1e-300), "epsilon must be above 0; got 1e-300, in float32 0"),
    ("optimizer", RMSProp(decay=1 - 1e-12), "decay must be at least 0 and below 1; got 0.999999999999, in float32 1"),
    ("optimizer", RMSProp(learning_rate=1e38), "learning_rate must be at most 1,000,000,000; got 1e+38"),
    ("algorithm", A3C(reward_scale=1e300), "reward_scale must be at most 1,000,000,000; got 1e+300"),
    ("algorithm", NStepQ(t_max=4097), "t_max must be at most 4,096; got 4097"),
    ("algorithm", OneStepQ(update_interval=4097), "update_interval must be at most 4,096; got 4097"),
    ("network", MLP(layers=101), "layers must be at most 100; got 101"),
    ("network", Convolutional(dense=8193), "dense must be at most 8,192; got 8193"),
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


def test_the_preset_follows_the_spaces():
    spaces = {name: (env.observation_space, env.action_space) for name in ("ALE/Pong-v5", "CartPole-v1", "Pendulum-v1")
              for env in [make(name)]}
    assert [preset_for(*pair) for pair in spaces.values()] == ["atari", "classic", "continuous"]
    assert configure("Catch").network == PRESETS["classic"].network
    assert configure(image).network == PRESETS["atari"].network
    with pytest.raises(ValueError, match="preset must be one of paper, atari, classic, continuous, dqn; got 'best'"):
        configure("Catch", "best")


def test_parts_that_are_none_count_as_not_given():
    assert configure("Catch", algorithm=None, workers=None) == configure("Catch")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_method_by_name_is_the_presets_an_object_the_papers(preset):
    for name, cls in METHODS.items():
        config = configure("Catch", preset, algorithm=name)
        assert config.algorithm == PRESETS[preset].algorithms[name] and type(config.algorithm) is cls
        assert configure("Catch", preset, algorithm=cls()).algorithm == cls()


def test_dqn_is_one_process_and_has_a_preset_of_its_own():
    assert configure("Catch", algorithm="dqn").workers == 1
    config = configure("ALE/Pong-v5", "dqn")
    assert config.algorithm == DQN() and config.network == Convolutional(convolutions="2015", dense=512)
    with pytest.raises(ValueError, match="^DQN is one process: workers must be 1; got 4$"):
        configure("Catch", algorithm="dqn", workers=4)


def test_an_optimizer_by_name_shares_fields_with_the_preset():
    own = PRESETS["atari"].optimizer
    assert own != RMSProp() and configure("Catch", "atari", optimizer="rmsprop").optimizer == own
    local = configure("Catch", "atari", optimizer="local_rmsprop").optimizer
    assert local == LocalRMSProp(**dataclasses.asdict(own)) and type(local) is LocalRMSProp
    sgd = configure("Catch", "atari", optimizer="momentum_sgd").optimizer
    assert sgd == MomentumSGD(learning_rate=own.learning_rate, max_gradient_norm=own.max_gradient_norm)


@pytest.mark.parametrize("part, menu", [("algorithm", METHODS), ("optimizer", OPTIMIZERS)])
def test_an_unknown_name_is_told_the_menu(part, menu):
    with pytest.raises(ValueError) as error:
        configure("Catch", **{part: "best"})
    assert str(error.value) == f"{part} must be one of {', '.join(menu)}; got 'best'"


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"a3c"}))
def test_value_methods_need_discrete_actions(name):
    config = configure("Pendulum-v1", algorithm=name)
    with pytest.raises(ValueError, match=r"needs Discrete actions; got Box\(.*: use A3C$") as error:
        config.build_network(config.make_env())
    assert "\n" not in str(error.value)


def test_heads_follow_the_method_and_the_actions():
    def heads(env, algorithm):
        config = configure(env, algorithm=algorithm)
        shapes = config.build_network(config.make_env()).shapes
        return {name: network["head"]["bias"] for name, network in shapes.items()}
    assert heads("CartPole-v1", "a3c") == {"policy": (2,), "value": (1,)}
    assert heads("CartPole-v1", "n_step_q") == heads("CartPole-v1", "one_step_sarsa") == {"q": (2,)}
    assert heads("Pendulum-v1", "a3c") == {"policy": (2,), "value": (1,)}            # a mean and a variance


def test_a_workers_own_draws_depend_on_seed_and_number_alone():
    def drawn(seed, number):
        return small(seed=seed).worker_rng(number).random()
    assert drawn(1, 0) == drawn(1, 0) and len({drawn(seed, number) for seed in (1, 2) for number in range(3)}) == 6


def test_names_of_parts():
    parts = (A3C(), NStepQ(), OneStepQ(), OneStepSarsa(), RMSProp(), LocalRMSProp(), MomentumSGD(), MLP(),
             Convolutional())
    assert [menu_name(part) for part in parts] == ["a3c", "n_step_q", "one_step_q", "one_step_sarsa", "rmsprop",
                                                   "local_rmsprop", "momentum_sgd", "mlp", "convolutional"]


def test_a_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().workers = 3
