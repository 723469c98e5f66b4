"""The score at which a run ends."""

from types import SimpleNamespace

import pytest

from a3c_numba.runs.progress import WINDOW
from a3c_numba.training.reached_score import reached_score


@pytest.mark.parametrize("stop_at, scores, latest, reason", [
    (None, [9.0] * WINDOW, None, None), (1.0, [9.0] * (WINDOW - 1), None, None), (1.0, [], None, None),
    (1.0, [1.0] * WINDOW, None, "the mean score of the last 100 training games, 1, is at least 1"),
    (1.01, [1.0] * WINDOW, None, None), (-2.0, [-1.5] * WINDOW, None,
                                         "the mean score of the last 100 training games, -1.5, is at least -2")])
def test_training_games_count_once_there_are_100(stop_at, scores, latest, reason):
    assert reached_score(stop_at, scores, None) == reason


@pytest.mark.parametrize("latest, reason", [
    (None, None), ((2000, 0.4), None),
    ((2000, 0.5), "the mean score of the evaluation of step 2,000, 0.5, is at least 0.5")])
def test_with_evaluations_only_they_count(latest, reason):
    evaluations = SimpleNamespace(latest=latest and (latest[0], SimpleNamespace(mean=latest[1])))
    assert reached_score(0.5, [9.0] * WINDOW, evaluations) == reason
