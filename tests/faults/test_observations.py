"""Observations that do not fit the environment's space, rewards that are no number: one line says what was given."""

import functools

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a3c_numba import Agent, Convolutional, WorkerDied
from a3c_numba.core.algorithms import A3C
from a3c_numba.core.networks import MLP
from a3c_numba.envs.action_repeat import GymSettings
from a3c_numba.envs.make import make
from a3c_numba.evaluation import EvaluationSettings, Evaluator
from a3c_numba.training.collector_state import collector_state, restore
from a3c_numba.training.limits import Limits
from a3c_numba.training.trainer import Trainer, initial_checkpoint

from tests.core.test_rollout import player_of
from tests.faults.environments import IMAGES, Odd, pays_nothing, shrinks
from tests.programs import program, small

pytestmark = pytest.mark.faults

PIXELS = Convolutional("scale", dense=4)
GIVEN = {                                          # what is wrong, and how it is called
    "shape": (np.zeros(4, np.float32), "(4,) float32"),
    "a matrix": (np.zeros((1, 3), np.float32), "(1, 3) float32"),
    "empty": (np.zeros(0, np.float32), "(0,) float32"),
    "one number for all": (np.zeros((), np.float32), "() float32"),
    "complex": (np.zeros(3, np.complex64), "(3,) complex64"),
    "objects": (np.array([None] * 3), "(3,) object"),
    "text": (np.array(["a", "b", "c"]), "(3,) <U1"),
    "None": (None, "of type NoneType"),
    "tuple": ((0.0, 1.0, 2.0), "of type tuple"),
    "dict": ({"obs": 0}, "of type dict"),
    "number": (1.0, "of type float"),
}
IMAGE_GIVEN = {
    "planes": (np.zeros((84, 84, 3), np.uint8), "(84, 84, 3) uint8"),
    "grey": (np.zeros((84, 84), np.uint8), "(84, 84) uint8"),
    "planes first": (np.zeros((4, 84, 84), np.uint8), "(4, 84, 84) uint8"),
    "floats": (np.zeros((84, 84, 4), np.float32), "(84, 84, 4) float32"),
    "wider": (np.zeros((84, 84, 4), np.int64), "(84, 84, 4) int64"),
    "None": (None, "of type NoneType"),
}
REWARDS = {
    "None": (None, "of type NoneType"), "text": ("1.0", "of type str"), "list": ([1.0], "of type list"),
    "several": (np.zeros(2), "(2,) float64"), "none at all": (np.zeros(0), "(0,) float64"),
    "complex": (1j, "of type complex"), "dict": ({}, "of type dict"),
    "text in an array": (np.array("1"), "() <U1"),
}


def played(env, steps, network=MLP(hidden=4)):
    """The error that ``steps`` steps of ``env`` end in, as one line."""
    collector, theta = player_of(env, network=network, t_max=5)
    with pytest.raises(ValueError) as error:
        for _ in range(steps):
            collector.collect(theta)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("step, moment", [(0.5, "the reset"), (17, "step 17"), (20, "step 20"), (20.5, "the reset"),
                                          (23, "step 3")])
@pytest.mark.parametrize("name", GIVEN)
def test_a_vector_that_does_not_fit_is_named(name, step, moment):
    given, called = GIVEN[name]
    line = f"the environment gave an observation {called} at {moment} of its episode, expected (3,) float32"
    assert played(Odd({step: given}, length=20), 30) == line


@pytest.mark.parametrize("name", IMAGE_GIVEN)
def test_an_image_that_does_not_fit_is_named(name):
    given, called = IMAGE_GIVEN[name]
    line = f"the environment gave an observation {called} at step 7 of its episode, expected (84, 84, 4) uint8"
    assert played(Odd({7: given}, space=IMAGES), 7, PIXELS) == line


@pytest.mark.parametrize("repeat", [1, 4])
@pytest.mark.parametrize("name", GIVEN)
def test_it_is_named_behind_wrappers_too(name, repeat):
    """Of a space of float64, whose observations are made float32 on the way."""
    given, called = GIVEN[name]
    env = make(lambda: Odd({8: given}, length=20, space=Box(-1, 1, (3,), np.float64)), GymSettings(repeat))
    called = called.replace("float64", "float32")
    line = f"the environment gave an observation {called} at step {8 // repeat} of its episode, expected (3,) float32"
    assert played(env, 8) == line


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.int8, np.uint8, np.bool_, ">f4"])
def test_numbers_of_another_width_are_converted(dtype):
    x = np.array([1, 0, 1]).astype(dtype)
    collector, theta = player_of(Odd({0.5: x, 3: x}), network=MLP(hidden=4), t_max=5)
    rollout, _, _ = collector.collect(theta)
    assert rollout.obs.dtype == np.float32 and np.isfinite(rollout.rewards).all()
    np.testing.assert_array_equal(rollout.obs[[0, 3]], [[1, 0, 1]] * 2)


def test_truth_values_are_pixels_and_views_are_observations():
    x = np.ones((84, 84, 4), bool)
    view = np.full((84, 84, 8), 7, np.uint8)[:, :, ::2]
    collector, theta = player_of(Odd({2: x, 3: view, 4: view.view(type("Mine", (np.ndarray,), {}))}, space=IMAGES),
                                 network=PIXELS, t_max=5)
    rollout, _, _ = collector.collect(theta)
    assert (rollout.obs[2] == 1).all() and (rollout.obs[3:5] == 7).all()


@pytest.mark.parametrize("repeat", [1, 2])
@pytest.mark.parametrize("name", REWARDS)
def test_a_reward_that_is_no_number_is_named(name, repeat):
    given, called = REWARDS[name]
    env = make(lambda: Odd(rewards={8: given}, length=20), GymSettings(repeat))
    line = f"the environment gave a reward {called} at step {8 // repeat} of its episode, expected a number"
    assert played(env, 8) == line


@pytest.mark.parametrize("given", [2, True, np.float32(2), np.float64(2), np.int64(2), np.bool_(True), np.array(2.0),
                                   np.array([2.0]), np.array([[2]])])
def test_every_single_number_is_a_reward(given):
    collector, theta = player_of(Odd(rewards={2: given}, length=2), network=MLP(hidden=4), clip_rewards=False)
    collector.collect(theta)
    collector, theta = player_of(Odd(rewards={1: 0.0, 2: given}, length=2), network=MLP(hidden=4), clip_rewards=False)
    rollout, _, episode = collector.collect(theta)
    assert rollout.rewards[1] == episode.score == float(np.ravel(given)[0])


def test_an_episode_that_is_played_again_is_looked_at_too():
    collector, theta = player_of(Odd(length=20), network=MLP(hidden=4), t_max=5)
    collector.collect(theta)
    other, _ = player_of(Odd({3: None}, length=20), network=MLP(hidden=4), t_max=5)
    with pytest.raises(ValueError, match="^the environment gave an observation of type NoneType at step 3 of "):
        restore(other, collector_state(collector))


def staged(network=MLP(hidden=4), **parts):
    """Where an agent that has learned nothing is evaluated in ``Odd(**parts)``."""
    config = small(functools.partial(Odd, **parts), network=network)
    return Evaluator(config, initial_checkpoint(config).theta, EvaluationSettings(1))


def refusal(evaluator, games=2):
    """The error that so many games end in."""
    with pytest.raises(ValueError) as error:
        for episode in range(games):
            evaluator.play(episode)
    return str(error.value)


@pytest.mark.parametrize("step, moment", [(0.5, "the reset"), (8, "step 8"), (8.5, "the reset"), (11, "step 3")])
@pytest.mark.parametrize("name", [*GIVEN, "list"])
def test_an_evaluation_names_what_training_names(name, step, moment):
    given, called = (GIVEN | {"list": ([0.0, 1.0, 2.0], "of type list")})[name]
    line = f"the environment gave an observation {called} at {moment} of its episode, expected (3,) float32"
    assert refusal(staged(obs={step: given})) == line


@pytest.mark.parametrize("name", IMAGE_GIVEN)
def test_an_evaluation_names_images_too(name):
    given, called = IMAGE_GIVEN[name]
    line = f"the environment gave an observation {called} at step 7 of its episode, expected (84, 84, 4) uint8"
    assert refusal(staged(PIXELS, obs={7: given}, space=IMAGES)) == line


@pytest.mark.parametrize("name", REWARDS)
def test_an_evaluation_names_a_reward_that_is_no_number(name):
    given, called = REWARDS[name]
    line = f"the environment gave a reward {called} at step 8 of its episode, expected a number"
    assert refusal(staged(rewards={8: given})) == line


@pytest.mark.parametrize("given", [2, True, np.float32(2), np.array(2.0), np.array([2.0]), np.array([[2]])])
def test_every_single_number_counts_in_an_evaluation(given):
    assert staged(rewards={1: 0.0, 2: given}, length=2).play(0).score == float(np.ravel(given)[0])


@pytest.mark.parametrize("actions", [Discrete(2), Box(-1, 1, (2,))])
@pytest.mark.parametrize("recurrent", [False, True])
def test_an_evaluation_sees_zeros_for_what_is_not_finite(actions, recurrent):
    network = MLP(hidden=4, recurrent=recurrent, head_init="orthogonal")
    odd = {0.5: np.float32([np.nan, 1, np.inf]), 3: np.full(3, -np.inf, np.float32), 5: np.array([np.nan, 0, 1.0])}
    mended = {0.5: np.float32([0, 1, 0]), 3: np.zeros(3, np.float32), 5: np.float32([0, 0, 1])}
    games = [list(staged(network, obs=obs, actions=actions).steps(0)) for obs in (odd, mended)]
    for one, other in zip(*games, strict=True):
        for x, y in zip((one.obs, one.action, *one.outputs), (other.obs, other.action, *other.outputs)):
            np.testing.assert_array_equal(x, y)
        assert np.isfinite(one.outputs[0]).all()
    assert np.isnan(odd[0.5][0])                                         # what is the environment's is left alone


def test_an_evaluation_acts_with_finite_actions_only():
    evaluator = staged(actions=Box(-1, 1, (2,)))
    evaluator.policy.parameters.tree["policy"]["head"]["bias"][:] = np.nan
    evaluator.play(0)
    assert len(evaluator.env.unwrapped.taken) == 8 and np.isfinite(evaluator.env.unwrapped.taken).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_evaluations_line_reaches_the_command_line(tmp_path, capsys, workers):
    env = "tests.faults.environments:PaysNothing-v0"
    Agent(env).save(tmp_path / "agent.npz")
    assert program("evaluate", tmp_path / "agent.npz", "--env", env, "--workers", workers) == 2
    error, = capsys.readouterr().err.splitlines()
    assert error.startswith("a3c-numba: error: the environment gave a reward of type NoneType at step 17 ")


RUNS = {
    "observation": (shrinks, {"network": Convolutional("scale", dense=4)},
                    "ValueError: the environment gave an observation (84, 84, 3) uint8 at step 17 of its episode, "
                    "expected (84, 84, 4) uint8"),
    "reward": (pays_nothing, {}, "ValueError: the environment gave a reward of type NoneType at step 17 of its "
                                 "episode, expected a number"),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_line_reaches_whoever_started_the_run(name):
    env, parts, line = RUNS[name]
    with pytest.raises(WorkerDied) as error:
        Trainer(initial_checkpoint(small(env, algorithm=A3C(t_max=5), total_steps=10**8, **parts)),
                limits=Limits(max_restarts=0)).run()
    assert str(error.value).endswith(line) and str(error.value).startswith("worker 0 ")


def test_the_command_line_ends_with_it(tmp_path, capsys):
    out = tmp_path / "run"
    assert program("train", "tests.faults.environments:PaysNothing-v0", "--workers", 1, "--total-steps", 1e8,
                   "--max-restarts", 0, "--out", out) == 3
    assert RUNS["reward"][2] in capsys.readouterr().err
