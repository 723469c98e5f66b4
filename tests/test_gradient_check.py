"""The check of gradients: it agrees where they are right, and only there."""

import numpy as np
import pytest

from a3c_numba import gradient_check
from a3c_numba.agent import configure
from a3c_numba.gradient_check import Problem, check, table
from tests.programs import image, program, small


@pytest.mark.parametrize("env", ["CartPole-v1", "Catch", image, "ALE/Pong-v5"])
def test_every_tensor_agrees(env):
    rows = check(configure(env), 20 if env != image else 8)
    assert len(rows) >= 8 and all(row.agrees and row.norm > 0 for row in rows), table(rows)


def test_every_coordinate_of_a_small_network_agrees():
    rows = check(small("CartPole-v1", hidden=5), 1000)
    assert all(row.agrees and row.tried + row.corners == np.prod(row.shape) for row in rows), table(rows)


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
