"""Categorical: the twins, the extremes, the boundaries of sampling, and the gradients."""

import numpy as np
import pytest

from a3c_numba.core.distributions import Categorical, categorical
from a3c_numba.core.distributions.categorical import entropy, mean_entropy, policy_gradient, sample, softmax

from tests import reference

pytestmark = pytest.mark.kernel

EXTREMES = [[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [0.0, -800.0, 800.0]]


def log_softmax(logits):
    out = np.full_like(logits, np.nan)
    categorical.log_softmax(logits, out)
    return out


def gradient(logits, actions, advantages, beta):
    out = np.full_like(logits, np.nan)
    policy_gradient(logits, actions, advantages, logits.dtype.type(beta), np.empty_like(logits[0]), out)
    return out


@pytest.mark.parametrize("n", [1, 2, 3, 18])
def test_log_softmax_and_entropy_equal_their_twins(n):
    for logits in np.random.default_rng(n).normal(scale=3, size=(20, n)):
        log_pi = log_softmax(logits)
        np.testing.assert_allclose(log_pi, reference.log_softmax(logits), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(softmax(logits), np.exp(log_pi), rtol=1e-12)
        assert entropy(log_pi) == pytest.approx(reference.entropy(logits), rel=1e-12, abs=1e-12)


def test_by_hand():
    log_pi = log_softmax(np.log([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(np.exp(log_pi), [0.125, 0.25, 0.625])
    assert entropy(np.log([0.5, 0.25, 0.25])) == pytest.approx(1.5 * np.log(2))


@pytest.mark.parametrize("n", [1, 2, 6, 18])
@pytest.mark.parametrize("level", [0.0, -3.5, 1e4])
def test_entropy_of_a_uniform_row_is_log_n(n, level):
    assert entropy(log_softmax(np.full(n, level))) == pytest.approx(np.log(n), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logits", EXTREMES)
def test_extreme_rows_stay_finite(logits, dtype):
    row = np.array(logits, dtype)
    log_pi = log_softmax(row)
    assert np.isfinite(log_pi).all() and np.isfinite(entropy(log_pi))
    assert -1e-6 <= entropy(log_pi) <= np.log(3) + 1e-6
    rows = np.stack([row] * 3)
    assert np.isfinite(gradient(rows, np.arange(3), np.ones(3, dtype), 0.01)).all()
    assert np.isfinite(mean_entropy(rows, np.empty_like(row)))
    np.testing.assert_allclose(softmax(row).sum(), 1, rtol=1e-6)


@pytest.mark.parametrize("logits", EXTREMES)
def test_an_impossible_action_is_never_drawn(logits):
    row = np.array(logits)
    possible = softmax(row) > 0
    for u in (0.0, 1e-12, 0.3, 0.5, 1 - 2**-53):
        assert possible[sample(row, u)]


def test_sampling_is_the_inverse_of_the_cumulative_distribution():
    row = np.zeros(4)                                                    # slices end at exactly 1/4, 1/2, 3/4, 1
    below = [np.nextafter(edge, 0) for edge in (0.25, 0.5, 0.75, 1.0)]
    assert [sample(row, u) for u in below] == [0, 1, 2, 3]
    assert [sample(row, u) for u in (0.0, 0.25, 0.5, 0.75)] == [0, 1, 2, 3]


def test_sampling_equals_its_twin():
    rng = np.random.default_rng(0)
    for row, u in zip(rng.normal(scale=2, size=(200, 5)), rng.random(200)):
        assert sample(row, u) == reference.sample(row, u)


def test_sampling_frequencies_are_the_probabilities():
    row = np.log([0.1, 0.2, 0.7])
    grid = (np.arange(1000) + 0.5) / 1000                                # a regular grid: each share to 1 in 1000
    counts = np.bincount([sample(row, u) for u in grid], minlength=3)
    np.testing.assert_array_less(np.abs(counts - [100, 200, 700]), 2)
    drawn = np.bincount([sample(row, u) for u in np.random.default_rng(1).random(4000)], minlength=3) / 4000
    np.testing.assert_allclose(drawn, [0.1, 0.2, 0.7], atol=4 * 0.5 / np.sqrt(4000))        # four standard errors


def batch(seed=0, T=4, n=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, n)), rng.integers(n, size=T), rng.normal(size=T)


@pytest.mark.parametrize("beta", [0.0, 0.01, 2.0])
def test_policy_gradient_equals_its_twin(beta):
    logits, actions, advantages = batch()
    d_logits = gradient(logits, actions, advantages, beta)
    np.testing.assert_allclose(d_logits, reference.policy_gradient(logits, actions, advantages, beta), rtol=1e-10)


def test_mean_entropy_equals_its_twin():
    logits, _, _ = batch()
    assert mean_entropy(logits, np.empty(5)) == pytest.approx(reference.entropy(logits).mean(), rel=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_policy_gradient_against_central_differences(beta):
    logits, actions, advantages = batch(1)

    def loss():
        log_pi = np.stack([log_softmax(row) for row in logits])
        entropies = [entropy(row) for row in log_pi]
        return float(-log_pi[np.arange(4), actions] @ advantages - beta * np.sum(entropies))

    d_logits = gradient(logits, actions, advantages, beta)
    np.testing.assert_allclose(d_logits, reference.coordinate_gradient(loss, logits), rtol=1e-6, atol=1e-9)


def test_policy_gradient_sums_to_zero_over_actions():
    d_logits = gradient(*batch(2), 0.3)                               # softmax does not see a shift of its logits
    np.testing.assert_allclose(d_logits.sum(axis=1), 0, atol=1e-12)


def test_float32_is_float32_within_its_rounding():
    logits, actions, advantages = batch(3)
    d_logits = gradient(logits.astype(np.float32), actions, advantages.astype(np.float32), 0.1)
    assert d_logits.dtype == np.float32
    exact = reference.policy_gradient(logits, actions, advantages, 0.1)
    np.testing.assert_allclose(d_logits, exact, rtol=1e-4, atol=1e-6)


def test_the_policy_is_its_kernels():
    pi, (logits, actions, advantages) = Categorical(5), batch(4)
    one, same = np.random.default_rng(2), np.random.default_rng(2)
    assert [pi.sample(row, one) for row in logits] == [sample(row, same.random()) for row in logits]
    np.testing.assert_array_equal(pi.best(logits), np.argsort(logits, axis=1)[:, -1])
    np.testing.assert_allclose(pi.display_probabilities(logits[0]), np.exp(log_softmax(logits[0])), rtol=1e-12)
    assert pi.entropy(logits) == mean_entropy(logits, np.empty(5))
    np.testing.assert_array_equal(pi.loss_gradient(logits, actions, advantages, 0.3),
                                  gradient(logits, actions, advantages, 0.3))


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_the_gradient_is_that_of_the_loss(beta):
    pi, (logits, actions, advantages) = Categorical(5), batch(5)
    numeric = reference.coordinate_gradient(lambda: pi.loss(logits, actions, advantages, beta), logits)
    np.testing.assert_allclose(pi.loss_gradient(logits, actions, advantages, beta), numeric, rtol=1e-6, atol=1e-9)


def test_actions_are_numbers():
    pi = Categorical(5)
    assert (pi.width, pi.action_shape, pi.action_dtype) == (5, (), np.int64)
    assert type(pi.executed(np.int64(3))) is int and pi.executed(np.int64(3)) == 3
