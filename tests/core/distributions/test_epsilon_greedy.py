"""EpsilonGreedy: what it draws, where u lies just on either side of epsilon, and how epsilon falls."""

import numpy as np
import pytest

from a3c_numba.core.distributions import EpsilonGreedy

pytestmark = pytest.mark.kernel

Q = np.array([0.5, 3.0, -1.0, 2.0], np.float32)


class Told:
    """A generator whose next number is known."""

    def __init__(self, u):
        self.u = u

    def random(self):
        return self.u


def policy_of(epsilon, n=4):
    return EpsilonGreedy(n, epsilon, epsilon, 100)


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0])
def test_frequencies(epsilon):
    """Within four standard errors of each share."""
    n, rng = 20_000, np.random.default_rng(0)
    shares = np.bincount([policy_of(epsilon).sample(Q, rng) for _ in range(n)], minlength=4) / n
    pi = np.array([epsilon / 4, 1 - epsilon + epsilon / 4, epsilon / 4, epsilon / 4])
    np.testing.assert_array_less(np.abs(shares - pi), 4 * np.sqrt(pi * (1 - pi) / n))
    np.testing.assert_allclose(policy_of(epsilon).display_probabilities(Q), pi)


def test_each_action_has_its_slice_of_what_lies_below_epsilon():
    distribution = policy_of(0.4)
    edges = {0.0: 0, 0.0999: 0, 0.1001: 1, 0.1999: 1, 0.2001: 2, 0.3001: 3, 0.3999: 3, 0.4: 1, 0.9: 1}
    assert {u: distribution.sample(Q, Told(u)) for u in edges} == edges


def test_u_below_epsilon_explores_and_u_at_epsilon_is_greedy():
    for epsilon in np.random.default_rng(1).random(2000):
        for n in (2, 3, 18):
            q, distribution = np.zeros(n), policy_of(epsilon, n)
            assert distribution.sample(q, Told(np.nextafter(epsilon, 0))) == n - 1  # there is no action n
            assert distribution.sample(q, Told(epsilon)) == 0


@pytest.mark.parametrize("u", [0.0, 1e-300, 0.5, 1 - 2**-53])
def test_epsilon_0_never_explores(u):
    assert policy_of(0.0).sample(Q, Told(u)) == 1
    np.testing.assert_array_equal(policy_of(0.0).display_probabilities(Q), [0, 1, 0, 0])
    assert policy_of(0.0).entropy(Q[None]) == 0


def test_epsilon_1_never_looks_at_the_values():
    distribution = policy_of(1.0)
    assert [distribution.sample(Q, Told(u)) for u in (0.1, 0.4, 0.6, 1 - 2**-53)] == [0, 1, 2, 3]


def test_one_random_number_for_one_action():
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    for epsilon in (0.0, 0.5, 1.0):
        policy_of(epsilon).sample(Q, one)
        other.random()
    assert one.bit_generator.state == other.bit_generator.state


def test_epsilon_falls_from_1_in_a_straight_line_and_stays():
    distribution = EpsilonGreedy(4, 0.2, 0.2, 1000)
    epsilons = []
    for step in (0, 250, 500, 1000, 1001, 10**9):
        distribution.anneal(step)
        epsilons.append(distribution.epsilon)
    np.testing.assert_allclose(epsilons, [1, 0.8, 0.6, 0.2, 0.2, 0.2], rtol=1e-14)


def test_entropy_by_hand():
    """Of two actions with epsilon 0.5: three quarters and one quarter."""
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert policy_of(0.5, 2).entropy(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(expected, rel=1e-12)
    assert policy_of(1.0).entropy(Q[None]) == pytest.approx(np.log(4), rel=1e-12)
    assert policy_of(0.7, 1).entropy(np.zeros((1, 1))) == pytest.approx(0, abs=1e-12)


def test_best_is_greedy_whatever_epsilon_is():
    rows = np.array([[0.0, 2.0, 1.0], [5.0, -1.0, 4.0]])
    np.testing.assert_array_equal(policy_of(1.0, 3).best(rows), [1, 0])
    assert policy_of(1.0, 3).width == 3 and policy_of(1.0).executed(np.int64(2)) == 2
