"""The check of gradients: it agrees where they are right, and only there."""

import numpy as np
import pytest

from a3c_numba.core.algorithms import ALGORITHMS
from a3c_numba.core.layers import lstm
from a3c_numba.core.layers.recurrent_state import RecurrentState
from a3c_numba.core.networks import MLP, Convolutional
from a3c_numba.diagnostics import gradient_check
from a3c_numba.diagnostics.gradient_check import Problem, check, table
from a3c_numba.envs.toys import Catch
from a3c_numba.presets import configure
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


def test_a_gradient_not_propagated_through_time_is_found(monkeypatch):
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
    lines = table(rows).splitlines()
    assert [line.split()[0] for line in lines if line.endswith("WRONG")] == [name]
    assert lines[-1].startswith(f"WRONG: 1 of {len(rows)} tensors, {name}; the worst is {name}[")


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


WHERE = {"policy.dense1.weight": (2, 3), "value.dense2.bias": (4,), "policy.head.weight": (1, 1)}


@pytest.mark.parametrize("wrong", [0.5, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", WHERE)
def test_the_worst_coordinate_is_where_the_wrong_number_is(monkeypatch, name, wrong):
    """One element alone is wrong: the row says which, what backpropagation says there and what is right."""
    right = Problem.gradient(Problem(small("CartPole-v1", hidden=5))).named()[name][WHERE[name]]

    def gradient(self, correct=Problem.gradient):
        found = correct(self)
        found.named()[name][WHERE[name]] = wrong
        return found
    monkeypatch.setattr(Problem, "gradient", gradient)
    rows = {row.name: row for row in check(small("CartPole-v1", hidden=5), 1000)}
    assert [row.name for row in rows.values() if not row.agrees] == [name]
    worst = rows[name].worst
    assert worst.place == WHERE[name] and worst.numeric == pytest.approx(right, rel=1e-5)
    assert worst.analytic == wrong or np.isnan(wrong) and np.isnan(worst.analytic)
    lines, where = table(list(rows.values())).splitlines(), str(list(WHERE[name]))
    assert f"the worst is {name}{where}" in lines[-1]
    sample = lines.index(next(line for line in lines if line.startswith(name) and line.endswith("relative"))) + 1
    assert lines[sample].split()[0] == "worst" and where in lines[sample]
    assert float(lines[sample].split()[-3]) == pytest.approx(right, rel=1e-5)


def test_a_gradient_that_is_no_number_is_tried_before_all_others(monkeypatch):
    def gradient(self, correct=Problem.gradient):
        found = correct(self)
        found.named()["value.dense2.weight"][3, 2] = np.nan
        return found
    monkeypatch.setattr(Problem, "gradient", gradient)
    rows = check(small("CartPole-v1", hidden=5), coordinates=1)
    assert [(row.name, row.worst.place) for row in rows if not row.agrees] == [("value.dense2.weight", (3, 2))]


def test_each_coordinate_is_shown_beside_its_difference():
    """Indices, both derivatives and their difference, read off the text, are those of the problem itself."""
    config = small("CartPole-v1", hidden=5)
    rows, problem = check(config, 6), Problem(config)
    gradients, values = problem.gradient().named(), problem.theta.named()
    for row in rows:
        lines = table([row]).splitlines()
        sample = [line for line in lines[lines.index("", 3) + 2:-2] if line]
        assert len(sample) == min(len(row.smooth), 1 + gradient_check.SAMPLE) + min(row.corners, 1)
        for line in sample:
            index = tuple(map(int, line[line.index("[") + 1:line.index("]")].split(",")))
            analytic, numeric, difference, _ = map(float, line[line.index("]") + 1:].split())
            assert analytic == pytest.approx(gradients[row.name][index], rel=1e-7)
            right, _ = problem.difference(values[row.name].reshape(-1), np.ravel_multi_index(index, row.shape))
            assert numeric == pytest.approx(right, rel=1e-6, abs=1e-9)
            assert difference == pytest.approx(abs(analytic - numeric), abs=2e-7 * abs(analytic) + 1e-12)


def test_a_corner_is_shown_and_not_judged(monkeypatch):
    """A difference that is called a corner's stands in the sample, beside a row that agrees; so does no other."""
    right = Problem.difference

    def difference(self, value, i):
        return (99.0, True) if len(value) == 2 and i == 1 else right(self, value, i)
    monkeypatch.setattr(Problem, "difference", difference)
    rows = check(small("CartPole-v1", hidden=5))
    assert {row.name: row.corners for row in rows}["policy.head.bias"] == 1 and all(row.agrees for row in rows)
    left_out = [line.split() for line in table(rows).splitlines() if "left out  " in line and "9.9000000e+01" in line]
    assert [line[2] for line in left_out] == ["[1]"]


def test_a_tensor_with_nothing_to_compare_does_not_agree(monkeypatch):
    monkeypatch.setattr(Problem, "difference", lambda self, value, i: (0.0, True))
    rows = check(small("CartPole-v1", hidden=5), 4)
    assert not any(row.agrees for row in rows) and rows[0].tried == 0
    assert table(rows).splitlines()[-1].startswith(f"WRONG: {len(rows)} of {len(rows)} tensors")


def test_the_command_prints_a_row_for_each_tensor(capsys, monkeypatch):
    assert program("check-gradients", "CartPole-v1", "--coordinates", 4, "--seed", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["tensor", "shape", "norm"] and lines[13] == "" and max(map(len, lines)) <= 120
    tensors = {line.split()[0] for line in lines[1:13]}
    assert tensors >= {"policy.dense1.weight", "policy.head.weight", "value.head.bias"}
    assert lines[-1].startswith("AGREE: ") and "of 12 tensors" in lines[-1]
    monkeypatch.setattr(gradient_check, "TOLERANCE", -1.0)
    assert program("check-gradients", "Catch", "--coordinates", 2) == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith("WRONG") for line in lines) == 12 and lines[-1].startswith("WRONG: 12 of 12 tensors")


def test_the_command_checks_continuous_actions(capsys):
    assert program("check-gradients", "Pendulum-v1", "--coordinates", 2) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_the_command_checks_every_method_and_the_lstm(capsys):
    assert program("check-gradients", "Catch", "--algorithm", "n_step_q", "--recurrent", "--coordinates", 4) == 0
    assert "q.lstm.weight" in capsys.readouterr().out


def test_the_check_closes_its_environment():
    made, closed = [], []

    class Counted(Catch):
        def __init__(self):
            super().__init__()
            made.append(self)

        def close(self):
            closed.append(self)
    Problem(small(Counted))
    assert made == closed and made
