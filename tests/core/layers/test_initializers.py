"""How weights start: the distributions that the docstrings promise."""

import numpy as np
import pytest

from a3c_numba.core.layers import initializers

SHAPES = [(400, 30), (30, 400), (200, 200)]


def draw(initializer, shape, seed=0):
    weight, bias = np.full(shape, np.nan, np.float32), np.full(shape[1], np.nan, np.float32)
    initializer(weight, bias, np.random.default_rng(seed))
    return weight, bias


@pytest.mark.parametrize("shape", SHAPES)
def test_fan_in_uniform_lies_within_its_bound_and_fills_it(shape):
    bound = 1 / np.sqrt(shape[0])
    weight, bias = draw(initializers.fan_in_uniform, shape)
    for drawn in (weight, bias):
        assert np.abs(drawn).max() <= bound * (1 + 1e-6)
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert np.abs(bias).max() > 0.7 * bound


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("initializer, variance", [(initializers.he_normal, 2.0), (initializers.near_zero, 1e-4)])
def test_normals_have_their_variance_and_no_bias(initializer, variance, shape):
    weight, bias = draw(initializer, shape)
    assert weight.var() * shape[0] == pytest.approx(variance, rel=0.1)
    assert abs(weight.mean()) < 4 * weight.std() / np.sqrt(weight.size) and not bias.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_is_orthonormal_times_root_2(shape):
    weight, bias = draw(initializers.orthogonal, shape)
    gram = weight.T @ weight if shape[0] >= shape[1] else weight @ weight.T
    np.testing.assert_allclose(gram, 2 * np.eye(min(shape)), atol=1e-5)
    assert not bias.any()


def test_orthogonal_differs_with_the_seed_also_in_sign():
    diagonals = np.array([np.sign(draw(initializers.orthogonal, (4, 4), seed)[0][0, 0]) for seed in range(20)])
    assert set(diagonals) == {-1.0, 1.0}
