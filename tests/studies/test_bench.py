"""The measurements of ``bench``: that they count right, and that the command prints them."""

import dataclasses
import re
import time

import numpy as np
import pytest

from a3c_numba import DQN, MLP
from a3c_numba.core.algorithms import A3C, ALGORITHMS, METHODS
from a3c_numba.envs.toys import Catch
from a3c_numba.presets import configure
from a3c_numba.studies import bench
from a3c_numba.studies.flops import operations
from a3c_numba.studies.machine import sgemm_peak
from tests.programs import program


def test_operations_of_the_papers_network_by_hand():
    conv1, conv2 = 20 * 20 * (8 * 8 * 4) * 16, 9 * 9 * (4 * 4 * 16) * 32
    dense, heads = 9 * 9 * 32 * 256, 256 * (6 + 1)
    forward = 2 * (conv1 + conv2 + dense + heads)
    backward = 2 * (conv1 + 2 * (conv2 + dense + heads))
    config = configure("ALE/Pong-v5", "paper")
    assert operations(config) == pytest.approx(forward * (1 + 1 / 5) + backward)
    longer = dataclasses.replace(config, algorithm=A3C(t_max=20))
    assert operations(longer) == pytest.approx(forward * (1 + 1 / 20) + backward)


def layers_below_the_heads():
    """Multiply-adds of the paper's network for 84x84x4 pixels, layer by layer, by hand."""
    return 20 * 20 * (8 * 8 * 4) * 16, 9 * 9 * (4 * 4 * 16) * 32, 9 * 9 * 32 * 256


@pytest.mark.parametrize("name, passes", [
    ("a3c", 1 + 1 / 5),                                                  # V(s_T)
    ("n_step_q", 1 + 1 / 5),                                             # max_a Q(s_T, a; theta-)
    ("one_step_q", 1 + 5 / 5),                                           # max_a Q(s_{t+1}, a; theta-) of every step
    ("one_step_sarsa", 1 + 1 / 5 + 5 / 5),                               # and a_T is drawn before the update
])
def test_operations_of_each_method_by_hand(name, passes):
    config = bench.configuration("ALE/Pong-v5", 5, name)
    conv1, *others = *layers_below_the_heads(), 256 * (6 + (name == "a3c"))
    forward, backward = 2 * (conv1 + sum(others)), 2 * (conv1 + 2 * sum(others))
    assert operations(config) == pytest.approx(forward * passes + backward)


@pytest.mark.parametrize("name, passes", [
    ("a3c", 1 + 1 / 5), ("n_step_q", 1 + 6 / 5), ("one_step_q", 1 + 6 / 5), ("one_step_sarsa", 1 + 1 / 5 + 6 / 5),
])
def test_operations_with_an_lstm_by_hand(name, passes):
    config = bench.configuration("ALE/Pong-v5", 5, name, recurrent=True)
    conv1, *others = *layers_below_the_heads(), (256 + 256) * 4 * 256, 256 * (6 + (name == "a3c"))
    forward, backward = 2 * (conv1 + sum(others)), 2 * (conv1 + 2 * sum(others))
    assert operations(config) == pytest.approx(forward * passes + backward)


def test_operations_of_a_network_for_each_head():
    """CartPole: 4 numbers, 2 actions; each branch's lowest layer needs no gradient of its input."""
    config = configure("CartPole-v1", "paper", network=MLP(hidden=8, layers=2, recurrent=True, cells=3))
    lowest, higher = 2 * 4 * 8, 2 * (8 * 8 + (8 + 3) * 4 * 3) + 3 * (2 + 1)
    assert operations(config) == pytest.approx(2 * (lowest + higher) * (1 + 1 / 5) + 2 * (lowest + 2 * higher))


def test_operations_of_dqn_by_hand():
    conv1, *others = *layers_below_the_heads(), 256 * 6
    forward, backward = 2 * (conv1 + sum(others)), 2 * (conv1 + 2 * sum(others))
    acting, of_one_drawn, drawn = forward, 2 * forward + backward, 32 / 4
    assert operations(bench.configuration("ALE/Pong-v5", None, "dqn")) == pytest.approx(acting + of_one_drawn * drawn)


@pytest.mark.parametrize("name", METHODS)
def test_t_max_is_the_steps_between_updates_of_every_method(name):
    assert bench.configuration("ALE/Pong-v5", 7, name).algorithm.rollout_length == 7


def test_what_is_measured_closes_its_environments(monkeypatch):
    made, closed, init = [], [], Catch.__init__
    monkeypatch.setattr(Catch, "__init__", lambda self: made.append(init(self)))
    monkeypatch.setattr(Catch, "close", lambda self: closed.append(self))
    config = configure("Catch", workers=1)
    assert operations(config) > 0 and bench.environment_seconds(config) > 0 and bench.pieces(config, 0.01)
    assert len(made) == len(closed) >= 3


def test_a_matrix_product_has_a_speed():
    assert 1e8 < sgemm_peak(64) < 1e13


def test_the_median_of_rounds():
    calls = []
    assert 0 <= bench.median_seconds(lambda: calls.append(0), calls=5, rounds=3) < 0.1
    assert len(calls) == 15


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_pieces_of_a_step_add_up(name, recurrent):
    pieces_add_up(configure("CartPole-v1", algorithm=name, network=MLP(recurrent=recurrent), workers=1))


def test_dqns_pieces_are_those_after_the_warm_up():
    config = configure("CartPole-v1", algorithm=DQN(warm_up=30_000), workers=1)
    assert pieces_add_up(config)["backward"] > 0                         # 0.2 s are over long before that step


def pieces_add_up(config):
    """The pieces of a step."""
    config = dataclasses.replace(config, total_steps=10**9)
    update = config.optimizer.update
    pieces = bench.pieces(config, 0.2)
    assert set(pieces) == {"environment", "forward", "backward", "update", "everything else"}
    assert all(seconds > 0 for seconds in pieces.values()) and sum(pieces.values()) < 0.1
    assert config.optimizer.update == update
    return pieces


class SlowReset(Catch):
    """5 ms for each episode of 9 steps."""

    def reset(self, **options):
        time.sleep(0.005)
        return super().reset(**options)


def test_a_reset_is_the_environments_time():
    pieces = bench.pieces(configure(SlowReset, workers=1, total_steps=10**9), 0.2)
    assert pieces["environment"] > 0.005 / 9


def test_a_training_run_has_a_speed(monkeypatch):
    monkeypatch.setattr(bench, "WARM_UP_SECONDS", 0.2)
    speed, memory = bench.training_speed(configure("CartPole-v1", total_steps=10**9), 1, 0.5)
    assert speed > 10 and re.fullmatch(r"(\d+ MB a worker)?", memory)


@pytest.mark.parametrize("options, told", [
    ((), "a3c, the paper's network, t_max 5"),
    (("--algorithm", "one_step_sarsa", "--recurrent", "--t-max", 8),
     "one_step_sarsa, the paper's network with an LSTM, t_max 8"),
    (("--algorithm", "dqn"), "dqn, the paper's network, 32 steps every 4"),
])
@pytest.mark.long
def test_the_command_prints_every_line(capsys, monkeypatch, options, told):
    monkeypatch.setattr(bench, "WARM_UP_SECONDS", 0.2)
    monkeypatch.setattr(bench, "median_seconds", lambda call, calls: call() or 1e-3)
    monkeypatch.setattr(bench, "training_speed", lambda config, workers, seconds, aged=False: (100.0 * workers, ""))
    assert program("bench", "ALE/Pong-v5", "--seconds", 0.3, *options) == 0
    out = capsys.readouterr().out
    assert told in out
    for name in ("emulator alone", "environment", "forward", "backward", "update", "everything else", "sgemm peak",
                 "bound", "training, 1 worker, at the start ", "training, 1 worker, aged "):
        assert name in out
    assert ("training, 2 workers, aged " in out) is ("dqn" not in told)
    assert len(re.findall(r"\d+ steps/s", out)) == (10 if "dqn" in told else 12) and "100% of the start's" in out
    assert re.search(r"\d+% of the bound", out)


@pytest.mark.parametrize("optimizer, sets", [("rmsprop", 1), ("momentum_sgd", 3)])
def test_an_aged_run_starts_with_statistics_that_fall_no_further(optimizer, sets):
    start = bench.aged_start(configure("CartPole-v1", optimizer=optimizer, workers=3))
    assert start.statistics.shape == (sets * len(start.theta),) and start.statistics.dtype == np.float32
    assert (start.statistics == bench.AGED).all() and np.float32(0.99) * bench.AGED == bench.AGED
