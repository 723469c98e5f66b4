"""Annealing."""

import pytest

from a3c_numba.schedules import linear_to_zero


@pytest.mark.parametrize("step, rate", [(0, 8.0), (25, 6.0), (50, 4.0), (100, 0.0), (101, 0.0), (10**9, 0.0)])
def test_a_straight_line_to_0_that_stays_there(step, rate):
    assert linear_to_zero(8.0, step, 100) == rate
