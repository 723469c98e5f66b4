"""A3C: targets, the loss and its gradient, and acting."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a3c_numba.core.algorithms import A3C
from a3c_numba.core.distributions import Categorical, Gaussian
from a3c_numba.core.returns import Rollout

from tests import reference

pytestmark = pytest.mark.kernel

T, ACTIONS = 5, 3
PI = Categorical(ACTIONS)


def draw(seed=0, dtype=np.float64):
    """Actions, returns, and outputs of T rows."""
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(T, ACTIONS)).astype(dtype), rng.normal(size=(T, 1)).astype(dtype)
    return rng.integers(ACTIONS, size=T), rng.normal(size=T).astype(dtype), outputs


def rollout_of(rewards, discounts):
    rewards, discounts = np.array(rewards, np.float32), np.array(discounts, np.float32)
    T = len(rewards)
    return Rollout(np.zeros((T + 1, 1)), np.zeros(T, int), rewards, discounts, np.zeros(T, int))


def targets(algorithm, rollout, values):
    outputs = np.zeros((len(values), ACTIONS), np.float32), np.array(values, np.float32)[:, None]
    return algorithm.targets(rollout, outputs)


def test_targets_bootstrap_from_the_last_value_unless_terminated():
    values = [0.0, 0.0, 10.0]
    open_end, cut = rollout_of([1, 2], [0.5, 0.5]), rollout_of([1, 2], [0.5, 0.0])
    np.testing.assert_array_equal(targets(A3C(), open_end, values), [1 + 0.5 * 7, 2 + 0.5 * 10])
    np.testing.assert_array_equal(targets(A3C(), cut, values), [1 + 0.5 * 2, 2])


def test_the_value_of_what_lies_behind_the_end_does_not_count():
    cut = rollout_of([1, 2], [0.5, 0.0])
    np.testing.assert_array_equal(targets(A3C(gae_lambda=0.5), cut, [0.0, 0.0, 99.0]), [1 + 0.25 * 2, 2])


def test_gae_lambda_is_handed_to_the_returns():
    rollout = rollout_of([1, 2, 3], [0.9, 0.9, 0.9])
    values = np.array([0.1, 0.2, 0.3, 0.4])
    expected = reference.lambda_returns(rollout.rewards, rollout.discounts, values, 0.7)
    np.testing.assert_allclose(targets(A3C(gae_lambda=0.7), rollout, values), expected, rtol=1e-6)


@pytest.mark.parametrize("algorithm", [A3C(), A3C(entropy_weight=0.5, value_weight=2.0), A3C(entropy_weight=0.0)])
def test_loss_gradient_is_the_derivative_of_the_loss(algorithm):
    actions, returns, outputs = draw()
    advantages = returns - outputs[1][:, 0]                              # constants of the first term

    def loss():
        return algorithm.loss(PI, actions, returns, advantages, outputs)

    d_outputs = algorithm.loss_gradient(PI, actions, returns, outputs)
    for output, gradient in zip(outputs, d_outputs):
        np.testing.assert_allclose(gradient, reference.coordinate_gradient(loss, output), rtol=1e-6, atol=1e-9)


def test_loss_by_hand():
    outputs = np.log([[0.25, 0.75]]), np.array([[2.0]])
    H = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    a3c, pi = A3C(entropy_weight=0.1, value_weight=0.5), Categorical(2)
    loss = a3c.loss(pi, np.array([0]), np.array([5.0]), np.array([3.0]), outputs)
    assert loss == pytest.approx(-np.log(0.25) * 3 - 0.1 * H + 0.5 * 9)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_loss_gradient_equals_its_twin(dtype, tolerance):
    actions, returns, (logits, values) = draw(1, dtype)
    d_logits, d_values = A3C(entropy_weight=0.3).loss_gradient(PI, actions, returns, (logits, values))
    advantages = returns - values[:, 0]
    expected = reference.policy_gradient(logits.astype(np.float64), actions, advantages, 0.3)
    np.testing.assert_allclose(d_logits, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(d_values[:, 0], values[:, 0] - returns, rtol=tolerance, atol=tolerance)
    assert PI.entropy(logits) == pytest.approx(reference.entropy(logits).mean(), rel=tolerance)
    assert d_logits.dtype == d_values.dtype == dtype


def test_better_actions_gain_probability_values_move_to_returns():
    outputs = np.zeros((1, ACTIONS)), np.zeros((1, 1))
    d_logits, d_values = A3C().loss_gradient(PI, np.array([1]), np.array([2.0]), outputs)
    assert d_logits[0, 1] < 0 < min(d_logits[0, 0], d_logits[0, 2]) and d_values[0, 0] < 0


def test_sums_over_the_rollout():
    actions, returns, outputs = draw(2)
    whole, _ = A3C().loss_gradient(PI, actions, returns, outputs)
    for t in range(T):
        row = tuple(output[t:t + 1] for output in outputs)
        alone, _ = A3C().loss_gradient(PI, actions[t:t + 1], returns[t:t + 1], row)
        np.testing.assert_allclose(whole[t], alone[0], rtol=1e-12)


@pytest.mark.parametrize("progress, beta", [(0.0, 0.4), (0.25, 0.325), (1.0, 0.1), (2.0, 0.1)])
def test_the_entropy_weight_falls_in_a_straight_line(progress, beta):
    actions, returns, outputs = draw(3)
    falling, fixed = A3C(entropy_weight=0.4, entropy_share_left=0.25), A3C(entropy_weight=beta)
    for one, other in zip(falling.loss_gradient(PI, actions, returns, outputs, progress),
                          fixed.loss_gradient(PI, actions, returns, outputs)):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_advantages_and_values():
    _, returns, outputs = draw(4)
    np.testing.assert_array_equal(A3C().value(outputs), outputs[1][:, 0])
    np.testing.assert_array_equal(A3C().advantages(returns, outputs), returns - outputs[1][:, 0])


def test_a_worker_and_a_trained_agent_act_with_the_policy_itself():
    rng, box = np.random.default_rng(0), Box(-2, 3, (2,), np.float32)
    for distribution in (A3C().behaviour_policy(Discrete(6), rng), A3C().evaluation_policy(Discrete(6))):
        assert distribution == Categorical(6) and A3C().heads(distribution) == {"policy": 6, "value": 1}
    for distribution in (A3C().behaviour_policy(box, rng), A3C().evaluation_policy(box)):
        assert isinstance(distribution, Gaussian) and A3C().heads(distribution) == {"policy": 3, "value": 1}
        assert (distribution.low == -2).all() and (distribution.high == 3).all()


def test_defaults_are_the_papers():
    a3c = A3C()
    assert (a3c.t_max, a3c.discount, a3c.entropy_weight, a3c.gae_lambda, a3c.value_weight) == (5, 0.99, 0.01, 1, 0.5)
    assert (a3c.entropy_share_left, a3c.clip_rewards, a3c.reward_scale, a3c.rollout_length) == (1, True, 1, 5)
    assert a3c.acts_on_snapshot and not a3c.uses_target_network and not a3c.needs_next_action
