"""The check of gradients: it agrees where they are right, and only there."""

import numpy as np
import pytest

from a3c_numba import gradient_check
from a3c_numba.agent import configure
from a3c_numba.algorithms import ALGORITHMS
from a3c_numba.layers import lstm
from a3c_numba.layers.compose import RecurrentState
from a3c_numba.networks import MLP, Convolutional
from a3c_numba.gradient_check import Problem, check, table
from tests.programs import image, program, small


@pytest.mark.parametrize("env", ["CartPole-v1", "Catch", "Pendulum-v1", image, "ALE/Pong-v5"])
def test_every_tensor_agrees(env):
    rows = check(configure(env), 20 if env != image else 8)
    assert len(rows) >= 8 and all(row.agrees and row.norm > 0 for row in rows), table(rows)


def test_every_coordinate_of_a_small_network_agrees():
    rows = check(small("CartPole-v1", hidden=5), 1000)
    assert all(row.agrees and row.tried + row.corners == np.prod(row.shape) for row in rows), table(rows)


RECURRENT = {"mlp": MLP(hidden=6, layers=1, recurrent=True, cells=4, head_init="orthogonal"),
             "convolutional": Convolutional(dense=8, recurrent=True, cells=6)}


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", image])
def test_every_tensor_of_a_recurrent_network_agrees(env):
    config = configure(env, network=RECURRENT["convolutional" if env is image else "mlp"])
    assert RecurrentState(Problem(config).cache).read(0).all(), "the rollout begins in the middle of an episode"
    rows = check(config, 20 if env != image else 8)
    assert {name.split(".")[-2] for name in (row.name for row in rows)} >= {"lstm"}
    assert all(row.agrees and row.norm > 0 for row in rows), table(rows)


@pytest.mark.parametrize("network", [None, RECURRENT["mlp"]], ids=["mlp", "recurrent"])
@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"a3c"}))
def test_every_tensor_of_the_value_methods_agrees(algorithm, network):
    rows = check(configure("CartPole-v1", algorithm=algorithm, network=network))
    assert {row.name.split(".")[0] for row in rows} == {"q"}
    assert all(row.agrees and row.norm > 0 for row in rows), table(rows)


def test_a_gradient_that_does_not_come_back_through_time_is_found(monkeypatch):
    def forgetful(gates, c_before, c, d_h, d_c, d_z):
        right(gates, c_before, c, d_h, d_c, d_z)
        d_c[:] = 0
    right = lstm.cell_backward
    monkeypatch.setattr(lstm, "cell_backward", forgetful)
    rows = check(configure("CartPole-v1", network=RECURRENT["mlp"]))
    wrong = {row.name for row in rows if not row.agrees}
    assert {"policy.lstm.weight", "value.lstm.weight", "policy.dense1.weight"} <= wrong
    assert not {"policy.head.weight", "value.head.bias"} & wrong


@pytest.mark.parametrize("name", ["policy.dense1.weight", "value.dense2.bias", "policy.head.weight", "value.head.bias"])
def test_a_wrong_gradient_is_found(monkeypatch, name):
    right = Problem.gradient

    def wrong(self):
        gradient = right(self)
        gradient.named()[name][...] *= 1.001
        return gradient
    monkeypatch.setattr(Problem, "gradient", wrong)
    rows = check(small("CartPole-v1", hidden=5))
    assert [row.name for row in rows if not row.agrees] == [name]
    assert [line.split()[0] for line in table(rows).splitlines() if line.endswith("WRONG")] == [name]


def test_corners_are_left_out_and_counted():
    problem = Problem(small("CartPole-v1", hidden=5))
    bias = problem.theta.named()["value.dense1.bias"]
    x = problem.obs[0] @ problem.theta.named()["value.dense1.weight"][:, 0]
    bias[0] = -x                                                         # unit 0 of row 0 stands on its corner
    _, corner = problem.difference(bias, 0)
    assert corner
    bias[0] = 1 + abs(x)
    assert not problem.difference(bias, 0)[1]


def test_a_difference_leaves_theta_as_it_was():
    problem = Problem(small())
    before = problem.theta.flat.copy()
    problem.difference(problem.theta.flat, 3)
    assert np.array_equal(problem.theta.flat, before)


def test_the_command_prints_a_row_for_each_tensor(capsys, monkeypatch):
    assert program("check-gradients", "CartPole-v1", "--coordinates", 4, "--seed", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["tensor", "shape", "norm"] and len(lines) == 13
    assert {line.split()[0] for line in lines[1:]} >= {"policy.dense1.weight", "policy.head.weight", "value.head.bias"}
    monkeypatch.setattr(gradient_check, "TOLERANCE", -1.0)
    assert program("check-gradients", "Catch", "--coordinates", 2) == 1
    assert "WRONG" in capsys.readouterr().out


def test_the_command_checks_continuous_actions(capsys):
    assert program("check-gradients", "Pendulum-v1", "--coordinates", 2) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_the_command_checks_every_method_and_the_lstm(capsys):
    assert program("check-gradients", "Catch", "--algorithm", "n_step_q", "--recurrent", "--coordinates", 4) == 0
    assert "q.lstm.weight" in capsys.readouterr().out
