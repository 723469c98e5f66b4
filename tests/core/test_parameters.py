"""One flat vector, seen as named arrays."""

import numpy as np
import pytest

from a3c_numba.core.parameters import Parameters, aligned_zeros, leaves, size_of, views_of

SHAPES = {"one": {"weight": (3, 2), "bias": (2,)}, "fork": {"left": {"weight": (2, 1)}, "right": {"scale": ()}}}
NAMES = ["one.weight", "one.bias", "fork.left.weight", "fork.right.scale"]


def test_size_is_the_sum_of_all_leaves():
    assert size_of(SHAPES) == 6 + 2 + 2 + 1


def test_leaves_come_in_order_with_dotted_names():
    assert [name for name, _ in leaves(SHAPES)] == NAMES


def test_views_lie_in_the_flat_vector_one_after_the_other():
    tree = views_of(np.arange(11.0), SHAPES)
    np.testing.assert_array_equal(tree["one"]["weight"], [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(tree["one"]["bias"], [6, 7])
    np.testing.assert_array_equal(tree["fork"]["left"]["weight"], [[8], [9]])
    assert tree["fork"]["right"]["scale"] == 10


def test_writing_to_a_view_writes_to_the_vector_and_back():
    parameters = Parameters(SHAPES)
    parameters.tree["one"]["bias"][:] = 7
    assert parameters.flat.sum() == 14
    parameters.flat[:] = 3
    assert all((view == 3).all() for view in parameters.named().values())
    assert list(parameters.named()) == NAMES


def test_a_given_vector_is_used_and_not_copied():
    flat = np.arange(11.0)
    parameters = Parameters(SHAPES, flat)
    assert parameters.flat is flat and np.shares_memory(parameters.tree["one"]["weight"], flat)


@pytest.mark.parametrize("flat", [np.zeros(10), np.zeros(12), np.zeros((11, 1))], ids=["short", "long", "matrix"])
def test_a_vector_of_another_size_is_refused(flat):
    with pytest.raises(ValueError, match=r"must be of shape \(11,\); got"):
        Parameters(SHAPES, flat)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 17, 1000])
def test_new_vectors_start_a_cache_line(size, dtype):
    zeros = aligned_zeros(size, dtype)
    assert zeros.shape == (size,) and zeros.dtype == dtype and not zeros.any()
    assert zeros.ctypes.data % 64 == 0 or size == 0
