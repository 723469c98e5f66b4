"""A gradient whose large weights are kept as factors, against the plain array that it stands for."""

import numpy as np
import pytest

from a3c_numba.core import gradient
from a3c_numba.core.gradient import Gradient, OuterProducts
from a3c_numba.core.networks import Convolutional
from a3c_numba.core.optimizers import OPTIMIZERS
from a3c_numba.core.optimizers.base import clip
from a3c_numba.core.parameters import Parameters

pytestmark = pytest.mark.kernel

SHAPES = {"one": {"weight": (3, 4), "bias": (4,)}, "two": {"weight": (100, 30), "bias": (30,)},
          "three": {"weight": (5, 2)}}
SIZE = 3 * 4 + 4 + 100 * 30 + 30 + 10


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch):
    monkeypatch.setattr(gradient, "BLOCK", 1000)


def filled(seed=0, rows=4):
    """A Gradient with numbers everywhere, in two portions, and the array that it stands for, in float64."""
    rng = np.random.default_rng(seed)
    d = Gradient(SHAPES, rows, ("two.weight",))
    for name, leaf in d.named().items():
        if not isinstance(leaf, OuterProducts):
            leaf[:] = rng.normal(size=leaf.shape)
    x, d_y = rng.normal(size=(rows, 100)).astype(np.float32), rng.normal(size=(rows, 30)).astype(np.float32)
    x[:, ::3] = 0                                                        # these rows of d_W are 0
    d.tree["two"]["weight"].add(x[:1], d_y[:1])
    d.tree["two"]["weight"].add(x[1:], d_y[1:])
    whole = d.flat.astype(np.float64)
    whole[16:16 + 3000] = (x.T.astype(np.float64) @ d_y).ravel()
    return d, whole


def test_copy_is_the_whole_gradient():
    d, whole = filled()
    np.testing.assert_allclose(d.copy(), whole, atol=1e-5)
    assert d.copy().dtype == np.float32 and len(d.copy()) == SIZE


def test_the_norm_is_that_of_the_whole_gradient():
    d, whole = filled()
    assert clip(d, np.inf) == pytest.approx(np.linalg.norm(whole), rel=1e-6)


def test_blocks_cover_every_element_once_and_leave_no_factors():
    d, whole = filled()
    seen, joined = np.zeros(SIZE, int), np.full(SIZE, np.nan)
    for part, block in gradient.blocks(d):
        seen[part] += 1
        joined[part] = block
        assert len(block) <= 1000 and part.stop - part.start == len(block)
    assert (seen == 1).all()
    np.testing.assert_allclose(joined, whole, atol=1e-5)
    assert d.tree["two"]["weight"].length == 0 and (d.copy()[16:3016] == 0).all()


def test_clip_scales_arrays_and_factors_alike():
    d, whole = filled()
    norm = clip(d, 3.0)
    assert norm == pytest.approx(np.linalg.norm(whole), rel=1e-6)
    np.testing.assert_allclose(d.copy(), whole * (3 / norm), atol=1e-7)
    assert clip(d, 3.1) == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_equals_that_of_the_plain_array(name):
    rng = np.random.default_rng(1)
    optimizer = OPTIMIZERS[name]()
    theta, statistics = rng.normal(size=SIZE).astype(np.float32), rng.random(SIZE).astype(np.float32)
    results = []
    for factored in (True, False):
        d, _ = filled()
        state = theta.copy(), statistics.copy(), np.zeros(SIZE, np.float32)
        given = d if factored else d.copy()
        norm = optimizer.update(*state[:2], given, state[2], 0.01)
        assert (given.copy() == 0).all()
        results.append((norm, *state))
    for factored, plain in zip(*results):
        np.testing.assert_allclose(factored, plain, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(results[0][1], results[0][3])          # local <- theta


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_theta_is_the_same_for_a_worker_that_acts_on_it(name):
    """One-step methods have no theta': ``local`` is theta itself."""
    rng = np.random.default_rng(1)
    vectors, optimizer = rng.random((2, SIZE)).astype(np.float32), OPTIMIZERS[name]()
    results = []
    for itself in (False, True):
        theta, statistics = vectors.copy()
        for _ in range(3):
            optimizer.update(theta, statistics, filled()[0], theta if itself else theta.copy(), 0.01)
        results.append((theta, statistics))
    np.testing.assert_array_equal(*results)
    assert (results[0][0] != vectors[0]).any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_batch_of_many_rows_updates_as_the_plain_array(name, monkeypatch):
    """Above the rows of a rollout, factors are multiplied a block at a time."""
    monkeypatch.setattr("a3c_numba.core.gradient.BLOCK", 4096)           # several blocks
    rng = np.random.default_rng(2)
    d = Gradient({"w": (200, 150)}, 40, ("w",))
    d.tree["w"].add(rng.normal(size=(40, 200)).astype(np.float32), rng.normal(size=(40, 150)).astype(np.float32))
    theta = rng.normal(size=30_000).astype(np.float32)
    results = []
    for given in (d.copy(), d):
        state = theta.copy(), np.ones_like(theta), np.zeros_like(theta)
        norm = OPTIMIZERS[name]().update(*state[:2], given, state[2], 0.01)
        results.append((norm, *state))
    for plain, factored in zip(*results):
        np.testing.assert_allclose(factored, plain, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("place", ["x", "d_y", "flat"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_that_is_not_finite_changes_nothing(name, value, place):
    d, _ = filled()
    product = d.tree["two"]["weight"]
    {"x": product.x[:, 2], "d_y": product.d_y[1], "flat": d.flat}[place][4] = value
    theta, statistics, local = np.ones(SIZE, np.float32), np.ones(SIZE, np.float32), np.zeros(SIZE, np.float32)
    assert not np.isfinite(OPTIMIZERS[name]().update(theta, statistics, d, local, 0.01))
    assert (theta == 1).all() and (statistics == 1).all() and (local == 1).all() and (d.copy() == 0).all()


def test_factors_that_cancel_have_norm_0_and_not_nan():
    d = Gradient({"w": (600, 500)}, 2, ("w",))
    x, d_y = np.full((1, 600), 0.1, np.float32), np.full((1, 500), 0.3, np.float32)
    d.tree["w"].add(x, d_y)
    d.tree["w"].add(x, -d_y)
    assert 0 <= clip(d, np.inf) < 1e-2


def test_inputs_are_those_that_were_not_always_0():
    d, _ = filled()
    product = d.tree["two"]["weight"]
    assert product.inputs.tolist() == [i for i in range(100) if i % 3]
    product.length = 0
    x = np.zeros((2, 100), np.float32)
    x[0, 7], x[1, 50] = 1, np.nan
    product.add(x[:1], np.ones((1, 30), np.float32))
    assert product.inputs.tolist() == [7]                                # what an earlier rollout left is not seen
    product.add(x[1:], np.ones((1, 30), np.float32))
    assert product.inputs.tolist() == [7, 50] and np.isnan(product.square_norm())


def test_rmsprop_only_ages_g_of_rows_without_gradient():
    d, _ = filled()
    rng = np.random.default_rng(1)
    theta, g, local = rng.normal(size=(3, SIZE)).astype(np.float32)
    g = abs(g)
    before, rows = (theta.copy(), g.copy()), np.arange(16, 3016).reshape(100, 30)[::3]
    OPTIMIZERS["rmsprop"](decay=0.5).update(theta, g, d, local, 0.01)
    np.testing.assert_array_equal(theta[rows], before[0][rows])
    np.testing.assert_array_equal(g[rows], before[1][rows] / 2)
    np.testing.assert_array_equal(local, theta)
    assert (theta[rows + 30] != before[0][rows + 30])[:-1].all()


def test_only_0_can_be_filled_in():
    with pytest.raises(ValueError, match="0 only"):
        filled()[0].fill(1)


def test_factors_that_cost_more_than_the_array_are_not_kept():
    assert Gradient(SHAPES, 23, ("two.weight",)).products                # 23 (100 + 30) < 100 30
    assert not Gradient(SHAPES, 24, ("two.weight",)).products


def test_more_rows_than_there_is_room_for_are_refused():
    d, _ = filled(rows=2)
    with pytest.raises(ValueError):
        d.tree["two"]["weight"].add(np.zeros((1, 100), np.float32), np.zeros((1, 30), np.float32))


@pytest.mark.parametrize("recurrent", [False, True])
def test_backward_into_factors_equals_backward_into_arrays(recurrent):
    network = Convolutional(recurrent=recurrent).build((84, 84, 4), {"policy": 6, "value": 1})
    assert network.factored == (("dense.weight", "lstm.weight") if recurrent else ("dense.weight",))
    rng, theta = np.random.default_rng(0), Parameters(network.shapes)
    network.init(theta.tree, rng)
    obs, cache = rng.integers(256, size=(3, 84, 84, 4)).astype(np.uint8), network.cache(4, np.float32)
    network.forward(theta.tree, obs, cache, slice(0, 3))
    d_outputs = tuple(rng.normal(size=(3, width)).astype(np.float32) for width in (6, 1))
    factored, plain = Gradient(network.shapes, 3, network.factored), Parameters(network.shapes)
    for d in (factored, plain):
        network.backward(theta.tree, d.tree, obs, cache, tuple(part.copy() for part in d_outputs), input_gradient=False)
    scale = np.abs(plain.flat).max()
    np.testing.assert_allclose(factored.copy(), plain.flat, rtol=0, atol=2e-6 * scale)
