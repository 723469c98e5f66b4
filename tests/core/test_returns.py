"""Returns, by hand, by identity, and against the forward view."""

import numpy as np
import pytest

from a3c_numba.core.returns import returns_of

from tests import reference

pytestmark = pytest.mark.kernel

GAMMA = 0.9


def rollout(seed, T=6):
    """Random rewards, discounts (one of them 0.5) and T + 1 values."""
    rng = np.random.default_rng(seed)
    discounts = np.full(T, GAMMA)
    discounts[T // 2] = 0.5
    return rng.normal(size=T), discounts, rng.normal(size=T + 1)


def test_by_hand():
    rewards, discounts = np.array([1.0, 0.0, 2.0]), np.full(3, 0.5)
    values = np.array([9.0, 4.0, 2.0, 8.0])
    # lambda = 1: 2 + 4, 0 + 3, 1 + 1.5            lambda = 0: r + 0.5 V'
    np.testing.assert_array_equal(returns_of(rewards, discounts, values), [2.5, 3.0, 6.0])
    np.testing.assert_array_equal(returns_of(rewards, discounts, values, 0.0), [3.0, 1.0, 6.0])
    # lambda = 1/2: 6;  0 + 0.5 (1 + 3) = 2;  1 + 0.5 (2 + 1) = 2.5
    np.testing.assert_array_equal(returns_of(rewards, discounts, values, 0.5), [2.5, 2.0, 6.0])


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("T", [1, 2, 7])
def test_equal_the_forward_view(T, lambda_):
    rewards, discounts, values = rollout(T, T)
    np.testing.assert_allclose(returns_of(rewards, discounts, values, lambda_),
                               reference.lambda_returns(rewards, discounts, values, lambda_), rtol=1e-12, atol=1e-12)


def test_lambda_1_is_the_longest_return_of_each_step():
    rewards, discounts, values = rollout(0)
    longest = [reference.n_step_return(rewards, discounts, values, t, 6 - t) for t in range(6)]
    np.testing.assert_allclose(returns_of(rewards, discounts, values), longest, rtol=1e-12)


def test_lambda_1_of_a_terminated_episode_is_monte_carlo():
    rewards, discounts, values = np.array([1.0, -2.0, 3.0, 5.0]), np.array([GAMMA] * 3 + [0.0]), np.full(5, 1e6)
    monte_carlo = [sum(GAMMA ** k * r for k, r in enumerate(rewards[t:])) for t in range(4)]
    np.testing.assert_allclose(returns_of(rewards, discounts, values), monte_carlo, rtol=1e-12)


def test_one_step_is_the_one_step_target():
    np.testing.assert_allclose(returns_of(np.array([2.0]), np.array([GAMMA]), np.array([7.0, 3.0])), [2 + GAMMA * 3])


def test_lambda_0_is_the_one_step_target_of_each_step():
    rewards, discounts, values = rollout(1)
    one_step = rewards + discounts * values[1:]
    np.testing.assert_allclose(returns_of(rewards, discounts, values, 0.0), one_step, rtol=1e-12)


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.0])
def test_termination_cuts_what_lies_behind_it(lambda_):
    rewards, discounts, values = rollout(2)
    discounts[3] = 0
    before = returns_of(rewards, discounts, values, lambda_)
    rewards[4:], values[4:] = 1e9, -1e9
    np.testing.assert_array_equal(returns_of(rewards, discounts, values, lambda_)[:4], before[:4])
    assert before[3] == rewards[3]


@pytest.mark.parametrize("lambda_", [0.0, 0.5, 1.0])
def test_truncation_bootstraps_from_the_last_observation(lambda_):
    rewards, discounts, values = rollout(3)
    before = returns_of(rewards, discounts, values, lambda_)[-1]
    values[-1] += 1
    assert returns_of(rewards, discounts, values, lambda_)[-1] == pytest.approx(before + discounts[-1])


def test_advantages_are_generalised_advantage_estimates():
    rewards, discounts, values = rollout(4)
    lambda_ = 0.8
    delta = rewards + discounts * values[1:] - values[:-1]
    weights = discounts * lambda_
    estimates = [sum(np.prod(weights[t:t + l]) * delta[t + l] for l in range(6 - t)) for t in range(6)]
    np.testing.assert_allclose(returns_of(rewards, discounts, values, lambda_) - values[:-1], estimates, rtol=1e-12)


def test_float32_in_float32_out():
    arrays = [array.astype(np.float32) for array in rollout(5)]
    returns = returns_of(*arrays, 0.95)
    assert returns.dtype == np.float32
    np.testing.assert_allclose(returns, reference.lambda_returns(*rollout(5), 0.95), rtol=1e-5)


def test_no_steps_no_returns():
    assert returns_of(np.zeros(0), np.zeros(0), np.ones(1)).shape == (0,)
