"""What makes a row of progress a new one."""

from types import SimpleNamespace

import pytest

from a3c_numba.runs.progress import Progress, news

ROW = Progress(1.0, 100, 50.0, 3, 0.5, 1.0, 0.1, 2.0, 7e-4, 5, 0, 1, 0)


def test_time_alone_is_no_news_and_nan_equals_nan():
    assert news(ROW, None) == news(ROW._replace(seconds=2.0, steps_per_second=25.0), None)
    assert news(ROW, SimpleNamespace(latest=None)) == news(ROW, None)


@pytest.mark.parametrize("field", ["global_step", "episodes", "updates", "policy_loss", "explained_variance"])
def test_a_count_or_a_loss_is_news(field):
    assert news(ROW._replace(**{field: 7}), None) != news(ROW, None)


def test_an_evaluation_is_news():
    assert news(ROW, SimpleNamespace(latest=(90, 0.5))) != news(ROW, SimpleNamespace(latest=(50, 0.5)))
