"""The measurements of ``bench``: that they count right, and that the command prints them."""

import dataclasses
import re

import pytest

from a3c_numba import bench
from a3c_numba.agent import configure
from a3c_numba.algorithms import A3C
from tests.programs import program


def test_operations_of_the_papers_network_by_hand():
    conv1, conv2 = 20 * 20 * (8 * 8 * 4) * 16, 9 * 9 * (4 * 4 * 16) * 32
    dense, heads = 9 * 9 * 32 * 256, 256 * (6 + 1)
    forward = 2 * (conv1 + conv2 + dense + heads)
    backward = 2 * (conv1 + 2 * (conv2 + dense + heads))
    config = configure("ALE/Pong-v5", "paper")
    assert bench.operations(config) == pytest.approx(forward * (1 + 1 / 5) + backward)
    longer = dataclasses.replace(config, algorithm=A3C(t_max=20))
    assert bench.operations(longer) == pytest.approx(forward * (1 + 1 / 20) + backward)


def test_a_matrix_product_has_a_speed():
    assert 1e8 < bench.sgemm_peak(64) < 1e13


def test_the_median_of_rounds():
    calls = []
    assert 0 <= bench.median_seconds(lambda: calls.append(0), calls=5, rounds=3) < 0.1
    assert len(calls) == 15


def test_the_pieces_of_a_step_add_up(monkeypatch):
    config = configure("CartPole-v1", workers=1, total_steps=10**9)
    update = config.optimizer.update
    pieces = bench.pieces(config, 0.2)
    assert set(pieces) == {"environment", "forward", "backward", "update", "everything else"}
    assert all(seconds > 0 for seconds in pieces.values()) and sum(pieces.values()) < 0.1
    assert config.optimizer.update == update


def test_a_training_run_has_a_speed(monkeypatch):
    monkeypatch.setattr(bench, "WARM_UP_SECONDS", 0.2)
    speed, memory = bench.training_speed(configure("CartPole-v1", total_steps=10**9), 1, 0.5)
    assert speed > 10 and re.fullmatch(r"(\d+ MB a worker)?", memory)


def test_the_command_prints_every_line(capsys, monkeypatch):
    monkeypatch.setattr(bench, "WARM_UP_SECONDS", 0.2)
    monkeypatch.setattr(bench, "median_seconds", lambda call, calls: call() or 1e-3)
    monkeypatch.setattr(bench, "training_speed", lambda config, workers, seconds: (100.0 * workers, ""))
    assert program("bench", "ALE/Pong-v5", "--seconds", 0.3) == 0
    out = capsys.readouterr().out
    for name in ("emulator alone", "environment", "forward", "backward", "update", "everything else", "sgemm peak",
                 "bound", "training, 1 worker ", "training, 2 workers"):
        assert name in out
    assert len(re.findall(r"\d+ steps/s", out)) == 10 and re.search(r"\d+% of the bound", out)
