"""LSTM against its naive twin, and its gradients, which begin in the middle of an episode, against two derivatives."""

import numpy as np
import pytest

from a3c_numba.core.layers.lstm import LSTM
from a3c_numba.core.parameters import Parameters

from tests import reference, reference_lstm

pytestmark = pytest.mark.kernel

SIZES = [(3, 4, 5), (1, 1, 1), (2, 1, 3), (4, 3, 1)]         # inputs, cells, rows


class Problem:
    """A rollout of random rows from a random state; d_p is not zero to begin with."""

    def __init__(self, inputs, cells, rows, dtype=np.float64, seed=0):
        rng = np.random.default_rng(seed)
        self.layer, self.rows = LSTM(inputs, cells), rows
        self.p, self.d_p = (Parameters(self.layer.shapes, dtype=dtype) for _ in range(2))
        self.p.flat[:], self.d_p.flat[:] = rng.normal(size=(2, len(self.p.flat)))
        self.x = rng.normal(size=(rows, inputs)).astype(dtype)
        self.d_y = rng.normal(size=(rows, cells)).astype(dtype)
        self.h, self.c = rng.normal(size=(2, cells)).astype(dtype)
        self.cache = self.cache_with_state(rows)

    def cache_with_state(self, rows):
        cache = self.layer.cache(rows, self.x.dtype)
        cache.h[0], cache.c[0] = self.h, self.c
        return cache

    def forward(self):
        return self.layer.forward(self.p.tree, self.x, self.cache, slice(0, self.rows))

    def backward(self):
        """d_p, without what was in it before, and d_x."""
        self.forward()
        before = self.d_p.flat.copy()
        d_x = self.layer.backward(self.p.tree, self.d_p.tree, self.x, self.cache, self.d_y)
        added = Parameters(self.layer.shapes, self.d_p.flat - before)
        return added.tree["weight"], added.tree["bias"], d_x

    def weighed(self, x, weight, bias):
        """sum d_y y by the twin."""
        return (self.d_y * reference_lstm.lstm(x, weight, bias, self.h, self.c)[0]).sum()


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("sizes", SIZES)
def test_forward_equals_its_twin(sizes, dtype, tolerance):
    problem = Problem(*sizes, dtype)
    exact = [array.astype(np.float64) for array in (problem.x, *problem.p.tree.values(), problem.h, problem.c)]
    y, h, c = reference_lstm.lstm(*exact)
    np.testing.assert_allclose(problem.forward(), y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(problem.cache.h[-1], h, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(problem.cache.c[-1], c, rtol=tolerance, atol=tolerance)
    assert problem.forward().dtype == dtype


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-11), (np.float32, 1e-4)])
@pytest.mark.parametrize("sizes", SIZES)
def test_every_gradient_is_the_twins_derivative(sizes, dtype, tolerance):
    problem = Problem(*sizes, dtype)
    x, weight, bias = problem.x, problem.p.tree["weight"], problem.p.tree["bias"]
    d_weight, d_bias, d_x = problem.backward()
    close = {"rtol": tolerance, "atol": tolerance}
    gradient = reference_lstm.complex_gradient
    np.testing.assert_allclose(d_weight, gradient(lambda w: problem.weighed(x, w, bias), weight), **close)
    np.testing.assert_allclose(d_bias, gradient(lambda b: problem.weighed(x, weight, b), bias), **close)
    np.testing.assert_allclose(d_x, gradient(lambda rows: problem.weighed(rows, weight, bias), x), **close)
    assert d_x.dtype == dtype


@pytest.mark.parametrize("sizes", SIZES)
def test_every_coordinate_against_central_differences(sizes):
    problem = Problem(*sizes)
    d_weight, d_bias, d_x = (gradient.copy() for gradient in problem.backward())

    def weighed():
        return float((problem.d_y * problem.forward()).sum())

    for array, gradient in ((problem.p.tree["weight"], d_weight), (problem.p.tree["bias"], d_bias),
                            (problem.x, d_x)):
        numeric = reference.coordinate_gradient(weighed, array)
        assert np.abs(gradient - numeric).max() <= 1e-6 * np.abs(numeric).max()


def test_by_hand():
    """All weights 0 but those into the candidate: each gate is open by the half of what its bias of 0 lets through."""
    layer = LSTM(1, 1)
    p = Parameters(layer.shapes, dtype=np.float64)
    p.tree["weight"][:] = [[0, 0, 0, 1], [0, 0, 0, 2]]                   # g = tanh(x + 2 h)
    cache = layer.cache(1, np.float64)
    cache.h[0], cache.c[0] = 3, 8
    y = layer.forward(p.tree, np.array([[-5.5]]), cache, slice(0, 1))
    c = 0.5 * 8 + 0.5 * np.tanh(0.5)
    assert cache.c[1, 0] == pytest.approx(c, rel=1e-14) and y[0, 0] == pytest.approx(0.5 * np.tanh(c), rel=1e-14)


def test_the_forget_gate_keeps_and_drops():
    layer = LSTM(1, 1)
    p, cache = Parameters(layer.shapes, dtype=np.float64), layer.cache(1, np.float64)
    for bias, kept in ((50.0, 8.0), (-50.0, 0.0)):
        p.tree["bias"][:] = [-50, bias, 0, 0]
        cache.c[0] = 8
        layer.forward(p.tree, np.zeros((1, 1)), cache, slice(0, 1))
        assert cache.c[1, 0] == pytest.approx(kept, abs=1e-12)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_row_by_row_equals_batched(dtype, tolerance):
    problem = Problem(3, 4, 6, dtype)
    whole = problem.forward().copy()
    alone = problem.cache_with_state(6)
    for t in range(6):
        y = problem.layer.forward(problem.p.tree, problem.x[t:t + 1], alone, slice(t, t + 1))
        np.testing.assert_allclose(y[0], whole[t], rtol=tolerance, atol=tolerance)
    for one, other in zip(alone.states, problem.cache.states):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_two_rollouts_equal_one_forwards_but_not_backwards():
    """The first rollout's gradient knows nothing of what its last state does to the second's rows."""
    whole, first = Problem(3, 4, 6), Problem(3, 4, 6)
    y = whole.forward().copy()
    first.rows, first.x, first.d_y = 3, first.x[:3], first.d_y[:3]
    first.cache = first.cache_with_state(3)
    d_weight, _, d_x = first.backward()
    second = Problem(3, 4, 6)
    second.rows, second.x, second.d_y = 3, second.x[3:], second.d_y[3:]
    second.h, second.c = first.cache.h[3].copy(), first.cache.c[3].copy()
    second.cache = second.cache_with_state(3)
    np.testing.assert_allclose(np.concatenate([first.cache.y, second.forward()]), y, rtol=1e-13)
    in_parts, in_one = d_weight + second.backward()[0], whole.backward()[0]
    assert np.abs(in_parts - in_one).max() > 1e-3 * np.abs(in_one).max()
    assert np.abs(d_x - whole.backward()[2][:3]).max() > 1e-3
    whole.d_y[3:] = 0                                                    # then nothing comes back to be cut
    np.testing.assert_allclose(whole.backward()[0], d_weight, rtol=1e-12, atol=1e-12)


def test_backward_starts_afresh_and_adds_to_d_p():
    problem = Problem(3, 4, 5)
    kept = problem.d_p.flat.copy()
    first = [gradient.copy() for gradient in problem.backward()]
    second = problem.backward()
    for one, other in zip(first, second):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    total = np.concatenate([kept + 2 * np.concatenate([first[0].ravel(), first[1]])])
    np.testing.assert_allclose(problem.d_p.flat, total, rtol=1e-9, atol=1e-12)


def test_backward_over_fewer_rows_ignores_later_cache_rows():
    """As in a rollout, whose last row is there for the bootstrap alone."""
    problem, short = Problem(3, 4, 6), Problem(3, 4, 6)
    problem.forward()
    before = problem.d_p.flat.copy()
    problem.layer.backward(problem.p.tree, problem.d_p.tree, problem.x[:5], problem.cache, problem.d_y[:5])
    short.rows, short.x, short.d_y = 5, short.x[:5], short.d_y[:5]
    short.cache = short.cache_with_state(5)
    d_weight, d_bias, _ = short.backward()
    np.testing.assert_allclose(problem.d_p.flat - before, np.concatenate([d_weight.ravel(), d_bias]), rtol=1e-9,
                               atol=1e-12)


def test_the_input_gradient_is_left_out_where_nobody_wants_it():
    problem, other = Problem(3, 4, 5), Problem(3, 4, 5)
    problem.backward()
    other.forward()
    tree = other.p.tree, other.d_p.tree
    assert other.layer.backward(*tree, other.x, other.cache, other.d_y, input_gradient=False) is None
    np.testing.assert_array_equal(other.d_p.flat, problem.d_p.flat)


def test_forget_gates_start_open_and_all_else_within_the_fan_in():
    layer = LSTM(7, 9)
    p = Parameters(layer.shapes)
    p.flat[:] = np.nan
    layer.init(p.tree, np.random.default_rng(0))
    weight, bias = p.tree["weight"], p.tree["bias"]
    np.testing.assert_array_equal(bias[9:18], 1)
    others = np.concatenate([weight.ravel(), bias[:9], bias[18:]])
    assert np.abs(others).max() <= 0.25 < 1.1 * np.abs(others).max()     # 1 / sqrt(7 + 9)
    assert weight.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_far_out_stay_finite(dtype):
    problem = Problem(2, 3, 4, dtype)
    problem.p.flat *= 500
    with np.errstate(over="ignore"):                                     # exp(1000) is inf, 1 / inf the gate's 0
        gradients = problem.backward()
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert np.abs(problem.cache.h[1:]).max() <= 1
