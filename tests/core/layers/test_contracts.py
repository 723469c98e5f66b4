"""What every layer and every network promises, swept over all of them."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

from a3c_numba.core import layers
from a3c_numba.core.layers.containers import Chain, Fork
from a3c_numba.core.layers.conv2d import Conv2d
from a3c_numba.core.layers.dense import Dense
from a3c_numba.core.layers.input_scaling import Center, Scale
from a3c_numba.core.layers.lstm import LSTM
from a3c_numba.core.layers.recurrent_state import RecurrentState, layer_caches
from a3c_numba.core.layers.relu import ReLU
from a3c_numba.core.layers.relu_dense import ReluDense
from a3c_numba.core.networks import INITIALIZERS, MLP, NETWORKS, PIXELS, Convolutional
from a3c_numba.core.parameters import Parameters
from a3c_numba.fast_kernels.fresh_patches import changed_pixels

from tests import reference

pytestmark = pytest.mark.kernel

HEADS = {"policy": 3, "value": 1}
ROWS = 4

# name -> (layer, shape of one row of x); networks by how they are built, else by class
LAYERS = {
    "Dense": (Dense(5, 3), (5,)),
    "ReluDense": (ReluDense((2, 3), 4), (2, 3)),
    "ReluDense of many inputs": (ReluDense((2**12, 2), 32), (2**12, 2)),
    "Conv2d": (Conv2d((5, 6, 2), 3, k=3, stride=2), (5, 6, 2)),
    "Conv2d in tiles": (Conv2d((4, 6, 16), 16, k=2, stride=2), (4, 6, 16)),
    "LSTM": (LSTM(5, 3), (5,)),
    "LSTM of one cell": (LSTM(1, 1), (1,)),
    "ReLU": (ReLU((2, 3)), (2, 3)),
    "Scale": (Scale((4, 5, 2)), (4, 5, 2)),
    "Center": (Center((4, 5, 2)), (4, 5, 2)),
    "Chain": (Chain(one=Dense(3, 4), relu=ReLU((4,)), two=ReluDense(4, 2)), (3,)),
    "Chain of LSTMs": (Chain(one=LSTM(3, 4), relu=ReLU((4,)), two=LSTM(4, 2)), (3,)),
    "Fork": (Fork(left=Dense(4, 2), right=ReluDense(4, 3)), (4,)),
    "mlp": (MLP(hidden=6, head_init="orthogonal").build((5,), HEADS), (5,)),
    "mlp recurrent": (MLP(4, layers=1, recurrent=True, cells=3, head_init="orthogonal").build((5,), HEADS), (5,)),
    "convolutional scale": (Convolutional("scale", dense=5).build((20, 24, 1), HEADS), (20, 24, 1)),
    "convolutional center": (Convolutional("center", dense=5).build((20, 20, 1), HEADS), (20, 20, 1)),
    "convolutional recurrent": (Convolutional(dense=5, recurrent=True, cells=3).build((20, 20, 1), HEADS), (20, 20, 1)),
}
EXACT = ("convolutional", "Scale", "Center")                             # these take bytes


@pytest.fixture(params=LAYERS)
def name(request):
    return request.param


def drawn(name, dtype=np.float64, seed=0):
    """The layer, its parameters, and ROWS rows of x that stay clear of ReLU's corner."""
    layer, shape = LAYERS[name]
    rng = np.random.default_rng(seed)
    p = Parameters(layer.shapes, dtype=dtype)
    if layer.shapes:
        layer.init(p.tree, rng)
    if name.startswith(EXACT):
        return layer, p, rng.integers(256, size=(ROWS, *shape)).astype(np.uint8)
    x = rng.uniform(0.1, 1, (ROWS, *shape)) * rng.choice([-1, 1], (ROWS, *shape))
    return layer, p, x.astype(dtype)


def cache_of(layer, rows, dtype=np.float64):
    """A cache, and in it a state at random before row 0, as in the middle of an episode."""
    cache = layer.cache(rows, dtype)
    state = RecurrentState(cache)
    state.write(0, np.random.default_rng(4).normal(size=state.size) / 2)
    return cache


def as_tuple(y):
    return y if isinstance(y, tuple) else (y,)


def output_gradients(y, seed=1):
    rng = np.random.default_rng(seed)
    ds = tuple(rng.normal(size=part.shape).astype(part.dtype) for part in as_tuple(y))
    return ds if isinstance(y, tuple) else ds[0]


def backward_of(name, dtype=np.float64, d_flat=None, poison=None):
    """One forward and one backward pass over all rows; d_p starts at ``d_flat`` and every d_x at ``poison``."""
    layer, p, x = drawn(name, dtype)
    cache = cache_of(layer, ROWS + 1, dtype)
    d_y = output_gradients(layer.forward(p.tree, x, cache, slice(0, ROWS)))
    for memory in layer_caches(cache):
        memory.d_x[:] = 0 if poison is None else poison
    d_p = Parameters(layer.shapes, None if d_flat is None else d_flat.copy(), dtype)
    d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y)
    return d_p.flat, d_x.copy(), cache


def test_the_sweep_misses_no_layer():
    names = [info.name for info in pkgutil.iter_modules(layers.__path__)]
    modules = [importlib.import_module(f"{layers.__name__}.{name}") for name in names]
    classes = {cls.__name__ for module in modules for _, cls in inspect.getmembers(module, inspect.isclass)
               if cls.__module__ == module.__name__ and hasattr(cls, "backward")
               and not getattr(cls, "_is_protocol", False) and not cls.__name__.startswith("_")}
    assert classes <= {name.split()[0] for name in LAYERS}
    assert set(NETWORKS) <= {name.split()[0] for name in LAYERS}
    assert {f"convolutional {pixels}" for pixels in PIXELS} <= set(LAYERS)


@pytest.mark.parametrize("initializer", INITIALIZERS)
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_leave_nothing_undrawn_with_any_initializer(network, initializer):
    shape = (20, 20, 1) if network == "convolutional" else (5,)
    built = NETWORKS[network](body_init=initializer, head_init=initializer).build(shape, HEADS)
    flat = Parameters(built.shapes).flat
    flat[:] = np.nan
    built.init(Parameters(built.shapes, flat).tree, np.random.default_rng(0))
    assert np.isfinite(flat).all()


def test_init_draws_every_parameter_from_the_seed_alone(name):
    layer, _ = LAYERS[name]
    if not layer.shapes:
        return                                                           # without parameters there is nothing to draw
    drawn = []
    for seed in (7, 7, 8):
        p = Parameters(layer.shapes)
        p.flat[:] = np.nan
        layer.init(p.tree, np.random.default_rng(seed))
        drawn.append(p.flat)
    assert np.isfinite(drawn[0]).all()
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert len(drawn[0]) == 0 or (drawn[0] != drawn[2]).any()


def test_forward_writes_the_given_rows_and_no_others(name):
    layer, p, x = drawn(name)
    cache = layer.cache(ROWS + 2, np.float64)
    for memory in layer_caches(cache):
        memory.y[:], memory.d_x[:] = np.nan, np.nan
        for state in memory.states:
            state[:] = np.nan
    RecurrentState(cache).write(1, 0.5)                                  # which is row 0 of what a cell put out
    layer.forward(p.tree, x[:2], cache, slice(1, 3))
    for memory in layer_caches(cache):
        assert np.isfinite(memory.y[1:3]).all()
        assert (memory.y[0] == 0.5).all() if memory.states else np.isnan(memory.y[0]).all()
        assert np.isnan(memory.y[3:]).all() and np.isnan(memory.d_x).all()
        for state in memory.states:
            assert (state[1] == 0.5).all() and np.isfinite(state[2:4]).all()
            assert np.isnan(state[0]).all() and np.isnan(state[4:]).all()


def test_forward_returns_views_of_the_cache(name):
    layer, p, x = drawn(name)
    cache = cache_of(layer, ROWS)
    ys = as_tuple(layer.forward(p.tree, x, cache, slice(0, ROWS)))
    assert all(any(np.shares_memory(y, memory.y) for memory in layer_caches(cache)) for y in ys)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_row_by_row_equals_one_batch(name, dtype, tolerance):
    """Not bit for bit: a matrix product may sum in another order when it has more rows."""
    layer, p, x = drawn(name, dtype)
    alone, together = cache_of(layer, ROWS, dtype), cache_of(layer, ROWS, dtype)
    layer.forward(p.tree, x, together, slice(0, ROWS))
    for t in range(ROWS):
        layer.forward(p.tree, x[t:t + 1], alone, slice(t, t + 1))
    for one, other in zip(layer_caches(alone), layer_caches(together)):
        np.testing.assert_allclose(one.y, other.y, rtol=tolerance, atol=tolerance)
        for state, same in zip(one.states, other.states, strict=True):
            np.testing.assert_allclose(state, same, rtol=tolerance, atol=tolerance)


def test_backward_is_the_same_after_rows_and_after_one_batch(name):
    layer, p, x = drawn(name)
    gradients = []
    for step in (1, ROWS):
        cache, d_p = cache_of(layer, ROWS), Parameters(layer.shapes, dtype=np.float64)
        for t in range(0, ROWS, step):
            layer.forward(p.tree, x[t:t + step], cache, slice(t, t + step))
        d_y = tuple(np.ones((ROWS, *layer_y.shape[1:])) for layer_y in as_tuple(layer.forward(
            p.tree, x[:1], layer.cache(1, np.float64), slice(0, 1))))
        layer.backward(p.tree, d_p.tree, x, cache, d_y if len(d_y) > 1 else d_y[0])
        gradients.append(d_p.flat)
    np.testing.assert_allclose(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-4), (np.float64, 1e-12)])
def test_backward_adds_to_parameter_gradients(name, dtype, tolerance):
    plain, _, _ = backward_of(name, dtype)
    before = np.random.default_rng(5).normal(size=len(plain)).astype(dtype)
    added, _, _ = backward_of(name, dtype, before)
    np.testing.assert_allclose(added, before + plain, rtol=tolerance, atol=tolerance * np.abs(plain).max(initial=1))


def test_only_recurrent_layers_have_a_state_and_it_matters(name):
    layer, p, x = drawn(name)
    cache = cache_of(layer, ROWS)
    state = RecurrentState(cache)
    assert (state.size > 0) == ("LSTM" in name or "recurrent" in name) and state.read(0).shape == (state.size,)
    first = [y.copy() for y in as_tuple(layer.forward(p.tree, x, cache, slice(0, ROWS)))]
    state.write(0, 0)
    second = as_tuple(layer.forward(p.tree, x, cache, slice(0, ROWS)))
    for one, other in zip(first, second):
        assert (one[0] != other[0]).any() == (state.size > 0) and (one[-1] != other[-1]).any() == (state.size > 0)


def test_what_is_moved_to_the_start_goes_on_as_it_would_have(name):
    layer, p, x = drawn(name)
    cache = cache_of(layer, ROWS)
    layer.forward(p.tree, x[:2], cache, slice(0, 2))
    expected = [y.copy() for y in as_tuple(layer.forward(p.tree, x[2:], cache, slice(2, ROWS)))]
    RecurrentState(cache).move(2)
    for one, other in zip(expected, as_tuple(layer.forward(p.tree, x[2:], cache, slice(0, ROWS - 2)))):
        np.testing.assert_array_equal(one, other)


def test_backward_overwrites_input_gradients_of_its_rows_only(name):
    _, clean, _ = backward_of(name)
    _, d_x, cache = backward_of(name, poison=np.nan)
    np.testing.assert_array_equal(d_x, clean)
    for memory in layer_caches(cache):
        assert np.isfinite(memory.d_x[:ROWS]).all() and np.isnan(memory.d_x[ROWS:]).all()


def test_backward_leaves_parameters_and_input_alone(name):
    layer, p, x = drawn(name)
    kept = p.flat.copy(), x.copy()
    cache = cache_of(layer, ROWS)
    d_y = output_gradients(layer.forward(p.tree, x, cache, slice(0, ROWS)))
    layer.backward(p.tree, Parameters(layer.shapes, dtype=np.float64).tree, x, cache, d_y)
    np.testing.assert_array_equal(p.flat, kept[0])
    np.testing.assert_array_equal(x, kept[1])


def loss_of(name):
    """A random linear function of the outputs, as a closure, with everything that it depends on."""
    layer, p, x = drawn(name, seed=3)
    cache = cache_of(layer, ROWS)
    d_y = output_gradients(layer.forward(p.tree, x, cache, slice(0, ROWS)))

    def loss():
        ys = as_tuple(layer.forward(p.tree, x, cache, slice(0, ROWS)))
        return float(sum(np.vdot(y, d) for y, d in zip(ys, as_tuple(d_y))))

    d_p = Parameters(layer.shapes, dtype=np.float64)
    d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y).copy()
    return loss, p.flat, d_p.flat, x, d_x


def test_gradients_equal_central_differences_in_every_coordinate(name):
    loss, theta, d_theta, x, d_x = loss_of(name)
    if len(theta) <= 200:
        np.testing.assert_allclose(d_theta, reference.coordinate_gradient(loss, theta), rtol=1e-6, atol=1e-8)
    if x.dtype == np.float64 and x.size <= 300:
        np.testing.assert_allclose(d_x, reference.coordinate_gradient(loss, x), rtol=1e-6, atol=1e-8)


def test_gradients_equal_central_differences_in_a_direction(name):
    loss, theta, d_theta, x, d_x = loss_of(name)
    for here, gradient in ((theta, d_theta), (x, d_x)):
        if here.dtype != np.uint8 and len(here):
            direction = np.random.default_rng(9).normal(size=here.shape) / np.sqrt(here.size)
            numeric = reference.directional_derivative(loss, here, direction, 1e-6)
            assert np.vdot(gradient, direction) == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_step_by_step_equals_one_forward_and_its_backward(name, dtype):
    """Rows that differ in a few numbers only, as a game's do; every layer's memory of the row before is its own."""
    layer, p, x = drawn(name, dtype)
    for t in range(1, ROWS):
        x[t].flat[2 * t:] = x[t - 1].flat[2 * t:]
    caches = [cache_of(layer, ROWS + 1, dtype) for _ in range(2)]
    whole = as_tuple(layer.forward(p.tree, x, caches[0], slice(0, ROWS)))
    rows = [tuple(part.copy() for part in as_tuple(layer.step(p.tree, x, caches[1], t, None)[0])) for t in range(ROWS)]
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for i, wanted in enumerate(whole):
        np.testing.assert_allclose(np.concatenate([row[i] for row in rows]), wanted, rtol=0, atol=tolerance)
    results = []
    for cache in caches:
        d_p = Parameters(layer.shapes, dtype=dtype)
        d_y = output_gradients(tuple(whole) if len(whole) > 1 else whole[0])
        d_x = layer.backward(p.tree, d_p.tree, x, cache, d_y)
        results.append((d_p.flat, d_x.copy()))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=0, atol=100 * tolerance)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_changed_pixels_are_those_with_a_channel_that_differs(channels):
    rng = np.random.default_rng(0)
    before = rng.integers(256, size=(7, 9, channels)).astype(np.uint8)
    after = np.where(rng.random(before.shape) < 0.1, rng.integers(256, size=before.shape), before).astype(np.uint8)
    expected = [[(before[i, j] != after[i, j]).any() for j in range(9)] for i in range(7)]
    np.testing.assert_array_equal(changed_pixels(before, after), expected)


def test_a_median_that_moves_changes_every_pixel():
    layer, x = Center((4, 17, 1)), np.full((3, 4, 17, 1), 50, np.uint8)
    x[1, 0, 1], x[2, :, 0] = 9, 200                                      # of every 17th byte the median is taken
    cache = layer.cache(3, np.float32)
    changes = [layer.step(None, x, cache, t, None)[1] for t in range(3)]
    assert changes[0] is None and changes[1].sum() == 1 and changes[2] is None


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_steps_through_the_papers_network_equal_one_forward(pixels, recurrent):
    """Films of which most stands still, among them one whose median moves, in the sizes that the tiles are made for."""
    network = Convolutional(pixels, recurrent=recurrent, head_init="orthogonal").build((84, 84, 4), HEADS)
    rng, p = np.random.default_rng(0), Parameters(network.shapes)
    network.init(p.tree, rng)
    x = np.repeat(rng.integers(256, size=(1, 84, 84, 4)).astype(np.uint8), 6, axis=0)
    for t in range(1, 5):
        x[t:, 10 * t:10 * t + 3, 7:12] = rng.integers(256)
    x[5] //= 2
    caches = [network.cache(7, np.float32) for _ in range(2)]
    whole = network.forward(p.tree, x, caches[0], slice(0, 6))
    rows = [[part.copy() for part in network.step(p.tree, x, caches[1], t)[0]] for t in range(6)]
    d_y, d_p = output_gradients(whole), [Parameters(network.shapes) for _ in caches]
    for i, wanted in enumerate(whole):
        np.testing.assert_allclose(np.concatenate([row[i] for row in rows]), wanted, rtol=0, atol=2e-5)
    for cache, d in zip(caches, d_p):
        network.backward(p.tree, d.tree, x, cache, tuple(part.copy() for part in d_y), input_gradient=False)
    for name, wanted in d_p[0].named().items():
        np.testing.assert_allclose(d_p[1].named()[name], wanted, rtol=0, atol=1e-4 * np.abs(wanted).max(), err_msg=name)
