"""Spaces that people have: adapted to the networks, or refused with the wrapper that would help."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from a3c_numba.config import Config
from a3c_numba.core.algorithms import A3C
from a3c_numba.core.networks import MLP
from a3c_numba.core.optimizers import RMSProp
from a3c_numba.envs.adapted_spaces import flattening
from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.envs.make import make
from a3c_numba.envs.spaces import UnsupportedSpace, check_spaces, is_channels_first
from a3c_numba.system import terminal
from a3c_numba.training.trainer import initial_checkpoint

VECTORS = spaces.Dict({"speed": Box(-1, 1, (2,), np.float64), "gear": Discrete(3, start=1), "on": MultiBinary(2)})


class Any(gymnasium.Env):
    """An environment of any two spaces: it gives samples, and remembers its actions."""

    def __init__(self, observations=Box(0, 1, (3,)), actions=Discrete(2)):
        self.observation_space, self.action_space, self.taken = observations, actions, []

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.taken.append(action)
        return self.observation_space.sample(), 0.0, False, False, {}


def image(*shape, dtype=np.uint8):
    return Box(0, 255, shape, dtype)


@pytest.mark.parametrize("start", [1, -2, 7])
def test_actions_with_a_start_are_shifted(start):
    raw = Any(actions=Discrete(3, start=start))
    env = EpisodeEnv(make(lambda: raw))
    env.reset()
    for action in range(3):
        env.step(action)
    assert env.action_space == Discrete(3) and raw.taken == [start, start + 1, start + 2]


@pytest.mark.parametrize("space, size", [
    (MultiBinary(4), 4), (MultiBinary([2, 3]), 6), (MultiDiscrete([2, 3]), 5), (VECTORS, 7),
    (spaces.Tuple([Box(-1, 1, (2,)), Box(-1, 1, ())]), 3), (spaces.Dict({"a": VECTORS, "b": Discrete(2)}), 9),
])
def test_vectors_in_parts_are_flattened(space, size):
    raw = Any(space)
    env = EpisodeEnv(make(lambda: raw))
    obs, _ = env.reset()
    assert obs.shape == (size,) and obs.dtype == np.float32 and env.observation_space.contains(obs)
    assert env.step(1)[0].shape == (size,)


def test_flattening_is_one_line_and_only_what_was_added():
    line = flattening(make(lambda: Any(VECTORS)))
    assert "Dict(" in line and "is flattened to 7 numbers" in line and "FlattenObservation" in line and "\n" not in line
    assert flattening(make(lambda: gymnasium.wrappers.FlattenObservation(Any(VECTORS)))) is None
    assert flattening(make("CartPole-v1")) is None


def test_the_line_is_logged_once_for_many_runs(caplog):
    terminal.log_once.cache_clear()
    config = Config(in_parts, A3C(), RMSProp(), MLP(hidden=2))
    for _ in range(3):
        initial_checkpoint(config)
    assert sum("is flattened to 7" in record.message for record in caplog.records) == 1


def in_parts():
    return Any(VECTORS)


def test_byte_vectors_are_scaled_by_their_bounds():
    ram = EpisodeEnv(make(lambda: Any(image(128))))
    obs, _ = ram.reset()
    assert obs.dtype == np.float32 and 0 <= obs.min() and 0.5 < obs.max() <= 1
    raw = Any(Box(np.array([0, 10, 5], np.uint8), np.array([1, 20, 5], np.uint8), dtype=np.uint8))
    raw.observation_space.sample = lambda: np.array([1, 15, 5], np.uint8)
    env = make(lambda: raw)
    assert env.observation_space == Box(0, 1, (3,), np.float32)
    assert env.reset()[0].tolist() == [1, 0.5, 0]


MIXED = {"ram": image(2), "gear": Discrete(3), "speed": Box(-1, 1, (2,)), "b": Box(10, 20, (1,), np.uint8)}


@pytest.mark.parametrize("space, sample, expected", [
    (spaces.Dict(MIXED), {"ram": np.uint8([0, 51]), "gear": 1, "speed": np.float32([-1, 0.5]), "b": np.uint8([15])},
     {"ram": [0, 0.2], "gear": [0, 1, 0], "speed": [-1, 0.5], "b": [0.5]}),
    (spaces.Tuple([spaces.Dict({"ram": image(2)}), MIXED["b"]]), ({"ram": np.uint8([255, 51])}, np.uint8([20])),
     {"ram": [1, 0.2], "b": [1]}),
    (spaces.Tuple([MultiBinary(2), image(1)]), (np.int8([0, 1]), np.uint8([102])), {"on": [0, 1], "ram": [0.4]}),
])
def test_bytes_beside_other_parts_are_scaled_too(space, sample, expected):
    raw = Any(space)
    space.sample = lambda: sample
    env = EpisodeEnv(make(lambda: raw))
    obs, _ = env.reset()
    order = list(space.spaces) if isinstance(space, spaces.Dict) else list(expected)
    np.testing.assert_allclose(obs, np.concatenate([expected[name] for name in order]), rtol=1e-6)
    assert env.observation_space.contains(obs)
    assert flattening(env).endswith("and bytes are scaled to 0 .. 1")


@pytest.mark.parametrize("change, told", [
    ({"speed": np.zeros(3)}, "the part 'speed' of an observation must be one of Box"), ({"gear": 0}, "the part 'gear'"),
    ({"gear": 4}, "the part 'gear'"), ({"gear": 1.5}, "the part 'gear'"), ({"on": np.int8([0, 2])}, "the part 'on'"),
    ({"on": "1"}, "the part 'on'"), ({"ram": np.array([300, 0])}, "the part 'ram'"), ({"ram": [0.5, 0]}, "the part"),
    ({"many": np.array([-1, 0])}, "the part 'many'"), ({"many": np.array([2, 3])}, "the part 'many'"),
])
def test_an_observation_that_does_not_fit_a_dict_is_one_line(change, told):
    space = spaces.Dict({**VECTORS.spaces, "ram": image(2), "many": spaces.MultiDiscrete([3, 3])})
    fits = {"speed": np.zeros(2), "gear": 3, "on": np.int8([0, 1]), "ram": np.array([255, 0]), "many": [2, 2]}
    raw = Any(space)
    space.sample = lambda: fits
    env = EpisodeEnv(make(lambda: raw))
    obs, _ = env.reset()
    assert obs.shape == (2 + 3 + 2 + 2 + 6,)
    space.sample = lambda: fits | change
    with pytest.raises(ValueError, match=f"^{told}[^\n]*$"):
        env.reset()
    space.sample = lambda: {name: part for name, part in fits.items() if name != "ram"} | {"x": 1}
    with pytest.raises(ValueError, match="^an observation lacks its part 'ram'"):
        env.reset()


def test_bytes_of_another_shape_reach_the_check_unchanged():
    raw = Any(image(5))
    env = EpisodeEnv(make(lambda: raw))
    raw.observation_space = image(4)
    with pytest.raises(ValueError, match=r"observation \(4,\) float32 at the reset"):
        env.reset()


@pytest.mark.parametrize("shape", [(4, 84, 84), (32, 84, 84), (3, 210, 160), (1, 64, 64), (3, 48, 60), (12, 32, 32)])
def test_channels_first_is_recognised_and_refused(shape):
    with pytest.raises(UnsupportedSpace) as caught:
        make(lambda: Any(image(*shape)))
    line = str(caught.value)
    assert "channels first" in line and "TransformObservation(env, lambda obs: obs.transpose(1, 2, 0)" in line
    assert f"Box(0, 255, {(*shape[1:], shape[0])}, np.uint8)" in line and "\n" not in line


@pytest.mark.parametrize("shape", [(84, 84, 4), (210, 160, 3), (36, 40, 2), (64, 64, 64), (84, 84, 64), (20, 84, 32)])
def test_channels_last_is_left_alone(shape):
    assert not is_channels_first(shape)
    assert make(lambda: Any(image(*shape))).observation_space == image(*shape)


def test_the_wrapper_that_is_named_helps():
    """The words of the message, as code."""
    def wrapped():
        return gymnasium.wrappers.TransformObservation(Any(image(4, 84, 84)), lambda obs: obs.transpose(1, 2, 0),
                                                       Box(0, 255, (84, 84, 4), np.uint8))
    assert EpisodeEnv(make(wrapped)).reset()[0].shape == (84, 84, 4)


@pytest.mark.parametrize("space, advice", [
    (Discrete(4), "FlattenObservation"), (Box(0, 1, (4, 4)), "FlattenObservation"),
    (image(84, 84), r"ReshapeObservation, to \(84, 84, 1\)"), (image(4, 84, 84, 3), "stacked images"),
    (Box(0, 1, (84, 84, 3), np.float32), "not of bytes.*TransformObservation"),
    (spaces.Dict({"eye": image(84, 84, 3), "speed": Box(0, 1, (2,))}), "part 'eye' is no vector.*FilterObservation"),
    (spaces.Tuple([Discrete(2), spaces.Dict({"x": spaces.Text(4)})]), "its part '1.x' is no vector"),
    (spaces.Dict({}), "it has no parts"), (spaces.Text(4), "TransformObservation with a Box"),
    (spaces.Sequence(Discrete(3)), "TransformObservation with a Box"),
])
def test_other_observations_are_refused_with_advice(space, advice):
    with pytest.raises(UnsupportedSpace, match=f"observation space .*{advice}.*supported are Discrete") as caught:
        check_spaces(Any(space))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("space, advice", [
    (MultiDiscrete([2, 3]), "TransformAction with a Discrete space"), (MultiBinary(3), "TransformAction with a Disc"),
    (spaces.Dict({"a": Discrete(2)}), "TransformAction with a Discrete"),
    (Box(-1, 1, (2, 2)), r"TransformAction.*\(d,\)"), (Box(0, 9, (2,), np.int64), "of floats"),
])
def test_other_actions_are_refused_with_advice(space, advice):
    with pytest.raises(UnsupportedSpace, match=f"action space .*{advice}"):
        check_spaces(Any(actions=space))
