"""Annealing."""

import pytest

from a3c_numba.core.schedules import linear


@pytest.mark.parametrize("progress, rate", [(0, 8.0), (0.25, 6.5), (0.5, 5.0), (1, 2.0), (1.01, 2.0), (1e9, 2.0)])
def test_a_straight_line_that_stays_at_its_end(progress, rate):
    assert linear(8.0, 2.0, progress) == rate
