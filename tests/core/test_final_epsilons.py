"""The text that says which final epsilons workers draw, and how often."""

import numpy as np
import pytest

from a3c_numba.core.algorithms import NStepQ
from a3c_numba.core.schedules import FinalEpsilons


def test_the_papers_text():
    epsilons = FinalEpsilons("0.1:0.4,0.01:0.3,0.5:0.3")
    assert epsilons.epsilons == (0.1, 0.01, 0.5) and epsilons.probabilities == (0.4, 0.3, 0.3)


def test_draws_have_their_frequencies():
    """Within four standard errors."""
    rng, n = np.random.default_rng(0), 4000
    epsilons = FinalEpsilons("0.1:0.4,0.01:0.3,0.5:0.3")
    drawn = [epsilons.draw(rng) for _ in range(n)]
    assert set(drawn) == {0.1, 0.01, 0.5}
    for epsilon, p in ((0.1, 0.4), (0.01, 0.3), (0.5, 0.3)):
        assert abs(drawn.count(epsilon) / n - p) < 4 * np.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("text, drawn", [("0.2:1", 0.2), ("0:1", 0.0), ("1:1,0.5:0", 1.0), (" 0.3 : 1 ", 0.3)])
def test_a_certain_draw(text, drawn):
    assert FinalEpsilons(text).draw(np.random.default_rng(0)) == drawn


@pytest.mark.parametrize("text", [
    "", ",", "0.1", "0.1:", ":1", "0.1:0.4", "0.1:0.6,0.2:0.6", "0.1:1,", "0.1:1:1", "a:1", "0.1:b", "0.1;1", "-0.1:1",
    "1.1:1", "0.1:2,0.2:-1", "nan:1", "0.1:nan", "inf:1", "0.1:inf", "0.1:0.5,0.2:0.4999", None, 0.1,
])
def test_what_is_no_such_text_is_refused_in_one_line(text):
    for make in (FinalEpsilons, lambda text: NStepQ(final_epsilons=text)):
        with pytest.raises(ValueError, match="final_epsilons must be epsilon:probability") as error:
            make(text)
        assert repr(text) in str(error.value) and "\n" not in str(error.value)
