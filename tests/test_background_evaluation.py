"""An evaluation in a process of its own: the same games as ``evaluate``'s, and how it fails."""

import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import numpy as np
import pytest

from a3c_numba.background_evaluation import BackgroundEvaluation, HungEvaluation
from a3c_numba.evaluation import MOST_PROCESSES, EvaluationSettings, evaluate, figures
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import Chances, small
from tests.promises import until


def waited_for(background):
    found = []
    until(lambda: found.append(background.result(0.1)) or found[-1])
    return found[-1]


@pytest.fixture
def background():
    made = []

    def make(config, episodes=4, heartbeat_seconds=60.0):
        made.append(BackgroundEvaluation(config, 100, episodes, heartbeat_seconds))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_it_plays_evaluates_games_with_a_copy_of_theta(background):
    config = small("Catch")
    thetas = [initial_checkpoint(small("Catch", seed=seed)).theta for seed in (1, 2)]
    one = background(config, 12)
    for theta in thetas:
        wanted = figures(evaluate(config, theta, EvaluationSettings(12)))
        given = theta.copy()
        one.start(given)
        given[:] = 0                                                     # the workers go on
        assert waited_for(one) == wanted


def kills_itself():
    return Chances(at_step=lambda: os.kill(os.getpid(), signal.SIGKILL))


def raises():
    return Chances(at_step=lambda: [][0])


def hangs():
    return Chances(at_step=lambda: time.sleep(1e6))


@pytest.mark.parametrize("factory, error", [(kills_itself, BrokenProcessPool), (raises, IndexError)])
def test_what_fails_is_raised_and_the_next_one_is_new(background, factory, error):
    """An environment of ten steps an episode, which fails at its 200th."""
    config = small(factory)
    one, theta = background(config, 50), initial_checkpoint(config).theta
    for _ in range(2):
        one.start(theta)
        with pytest.raises(error):
            waited_for(one)


def test_a_hung_environment_is_killed(background):
    config = small(hangs)
    one = background(config, 50, heartbeat_seconds=0.5)
    one.start(initial_checkpoint(config).theta)
    with pytest.raises(HungEvaluation, match="made no step for 0.5 s and was killed"):
        waited_for(one)


class SlowToBegin(Chances):
    """A simulator, say, that loads its world in the first step."""

    def step(self, action):
        if not self.steps:
            time.sleep(1.2)
        return super().step(action)


def test_an_environment_that_is_slow_to_begin_is_waited_for(background):
    config = small(SlowToBegin)
    one = background(config, heartbeat_seconds=0.4)
    one.start(initial_checkpoint(config).theta)
    assert waited_for(one).episodes == 4


class Remembers(Chances):
    """Pays more in each game, as NormalizeObservation sees other means in each; notes its number and its end."""

    def __init__(self, folder, worker):
        super().__init__(at_step=lambda: [][0])
        self.file = folder / f"{worker}"

    def reset(self, **options):
        self.scale += 1
        return super().reset(**options)

    def close(self):
        with self.file.open("a") as file:
            file.write("closed ")


def test_each_evaluation_makes_an_environment_and_closes_it(background, tmp_path):
    """One of its own, with a number that no other has, also if it fails: here after 200 steps of ten a game."""
    config = small(partial(Remembers, tmp_path))
    one, theta = background(config, 15), initial_checkpoint(config).theta
    wanted = figures(evaluate(config, theta, EvaluationSettings(15)))
    for _ in range(2):
        one.start(theta)
        assert waited_for(one) == wanted
    failing = background(config, 21)
    failing.start(theta)
    with pytest.raises(IndexError):
        waited_for(failing)
    closed = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert closed.pop(f"{config.workers + MOST_PROCESSES}") == 3 * "closed "
    assert {*closed} == {f"{config.workers}"}                            # of the spaces, and of evaluate


def test_training_and_evaluation_draw_from_other_streams():
    """The first seeds of a run's episodes, and those of an evaluation with the same seed."""
    training = [np.random.default_rng(np.random.SeedSequence(0, spawn_key=(stream,))).integers(2**31)
                for stream in range(1, 200)]
    games = [int(np.random.SeedSequence(0, spawn_key=(episode,)).spawn(2)[0].generate_state(1)[0] >> 1)
             for episode in range(200)]
    assert not {*map(int, training)} & {*games}
