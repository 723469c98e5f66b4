"""The three value methods: targets worked by hand, the loss and its gradient, and what they refuse."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a3c_numba.core.algorithms import NStepQ, OneStepQ, OneStepSarsa
from a3c_numba.core.distributions import EpsilonGreedy
from a3c_numba.core.returns import Rollout
from a3c_numba.presets import configure

from tests import reference

pytestmark = pytest.mark.kernel

METHODS = [NStepQ, OneStepQ, OneStepSarsa]
T, ACTIONS = 5, 3

# Three steps; Q(s_0 .. s_3, .; theta-).  The largest of each row: 9, 4, 2, 10.
Q = np.array([[9, 1, 0], [4, -6, 2], [-8, 2, 1], [6, 10, -2]], np.float32)
REWARDS = [1.0, 2.0, 3.0]
ACTIONS_TAKEN = [2, 1, 0]                                                # a_0 .. a_2; a_3 is 2
NEXT = [1, 0, 2]                                                         # of which Q says -6, -8, -2


def rollout_of(rewards, discounts, actions=ACTIONS_TAKEN, next_actions=NEXT):
    n = len(rewards)
    return Rollout(np.zeros((n + 1, 1), np.float32), np.array(actions[:n]), np.array(rewards, np.float32),
                   np.array(discounts, np.float32), np.array(next_actions[:n]))


def targets(method, discounts, q=Q):
    return method.targets(rollout_of(REWARDS, discounts), (q,))


GOING_ON, TERMINATED = [0.5, 0.5, 0.5], [0.5, 0.5, 0.0]
BY_HAND = {
    # 3 + 10/2 = 8, 2 + 8/2 = 6, 1 + 6/2 = 4; and 3, 2 + 3/2, 1 + 3.5/2
    NStepQ: ([4, 6, 8], [2.75, 3.5, 3]),
    # 1 + 4/2, 2 + 2/2, 3 + 10/2
    OneStepQ: ([3, 3, 8], [3, 3, 3]),
    # 1 - 6/2, 2 - 8/2, 3 - 2/2
    OneStepSarsa: ([-2, -2, 2], [-2, -2, 3]),
}


@pytest.mark.parametrize("cls", METHODS)
def test_targets_by_hand(cls):
    going_on, terminated = BY_HAND[cls]
    np.testing.assert_array_equal(targets(cls(), GOING_ON), going_on)    # cut off by t_max or by a time limit
    np.testing.assert_array_equal(targets(cls(), TERMINATED), terminated)


@pytest.mark.parametrize("cls", METHODS)
def test_what_lies_behind_the_end_does_not_count(cls):
    q = Q.copy()
    q[-1] = [1e9, -1e9, 1e9]
    np.testing.assert_array_equal(targets(cls(), TERMINATED, q), targets(cls(), TERMINATED))


@pytest.mark.parametrize("cls", METHODS)
def test_states_before_the_first_bootstrap_do_not_count(cls):
    q, first = Q.copy(), cls().first_target_row(3)
    q[:first] = np.nan
    np.testing.assert_array_equal(targets(cls(), GOING_ON, q), targets(cls(), GOING_ON))
    q[first] = np.nan
    assert np.isnan(targets(cls(), GOING_ON, q)).any()


@pytest.mark.parametrize("seed", range(5))
def test_n_steps_with_one_step_is_the_one_step_target(seed):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(2, ACTIONS)).astype(np.float32)
    for discount in (0.99, 0.0):
        rollout = rollout_of([rng.normal()], [discount])
        one, other = (cls().targets(rollout, (q,)) for cls in (NStepQ, OneStepQ))
        np.testing.assert_allclose(one, other, rtol=3e-7, atol=1e-7)     # r + gamma R is rounded once or twice
        greedy = rollout._replace(next_actions=q[1:].argmax(axis=1))
        np.testing.assert_array_equal(OneStepSarsa().targets(greedy, (q,)), other)


def test_sarsa_and_q_learning_differ_by_what_exploring_costs():
    lost = targets(OneStepQ(), GOING_ON) - targets(OneStepSarsa(), GOING_ON)
    np.testing.assert_array_equal(lost, [0.5 * (4 + 6), 0.5 * (2 + 8), 0.5 * (10 + 2)])


def draw(seed=0, dtype=np.float64):
    """A policy, actions, returns, and outputs of T rows."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(T, ACTIONS)).astype(dtype)
    return EpsilonGreedy(ACTIONS, 0.1, 0.1, 10), rng.integers(ACTIONS, size=T), rng.normal(size=T).astype(dtype), (q,)


@pytest.mark.parametrize("cls", METHODS)
def test_loss_gradient_is_the_derivative_of_the_loss(cls):
    distribution, actions, returns, outputs = draw()
    method = cls()
    assert method.advantages(returns, outputs) is None

    def loss():
        return method.loss(distribution, actions, returns, None, outputs)

    gradient, = method.loss_gradient(distribution, actions, returns, outputs)
    np.testing.assert_allclose(gradient, reference.coordinate_gradient(loss, outputs[0]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", METHODS)
def test_loss_and_gradient_by_hand(cls, dtype):
    q = np.array([[1, 2, 3], [4, 5, 6]], dtype)
    arguments = EpsilonGreedy(3, 0.1, 0.1, 10), np.array([2, 0]), np.array([5, 1], dtype)
    assert cls().loss(*arguments, None, (q,)) == 2 ** 2 + 3 ** 2
    gradient, = cls().loss_gradient(*arguments, (q,))
    np.testing.assert_array_equal(gradient, [[0, 0, -4], [6, 0, 0]])
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(cls().value((q,)), [3, 6])


@pytest.mark.parametrize("cls", METHODS)
def test_the_gradient_does_not_depend_on_how_far_the_run_is(cls):
    distribution, actions, returns, outputs = draw(1)
    early, late = (cls().loss_gradient(distribution, actions, returns, outputs, progress)[0] for progress in (0.0, 1.0))
    np.testing.assert_array_equal(early, late)


@pytest.mark.parametrize("cls", METHODS)
def test_actions_that_are_numbers_are_for_a3c(cls):
    space, rng = Box(-1, 1, (2,), np.float32), np.random.default_rng(0)
    for ask in (lambda: cls().evaluation_policy(space), lambda: cls().behaviour_policy(space, rng)):
        with pytest.raises(ValueError, match="A3C") as error:
            ask()
        assert cls.__name__ in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["n_step_q", "one_step_q", "one_step_sarsa"])
def test_a_network_for_continuous_actions_is_refused_at_once(name):
    config = configure("AimContinuous", algorithm=name)
    with pytest.raises(ValueError, match="A3C"):
        config.build_network(config.make_env())


@pytest.mark.parametrize("cls", METHODS)
def test_policies(cls):
    method = cls(final_epsilons="0.25:1", exploration_steps=40, evaluation_epsilon=0.07)
    behaviour = method.behaviour_policy(Discrete(6), np.random.default_rng(0))
    assert (behaviour.n, behaviour.final_epsilon, behaviour.exploration_steps) == (6, 0.25, 40)
    behaviour.anneal(0)
    assert behaviour.epsilon == 1
    assert method.evaluation_policy(Discrete(6)).epsilon == 0.07
    assert method.heads(behaviour) == {"q": 6}


def test_defaults_are_the_papers():
    for method in (NStepQ(), OneStepQ(), OneStepSarsa()):
        assert (method.rollout_length, method.discount, method.target_interval, method.exploration_steps) == \
            (5, 0.99, 10_000, 1_000_000)
        assert method.final_epsilons == "0.1:0.4,0.01:0.3,0.5:0.3" and method.clip_rewards
    assert NStepQ(t_max=9).rollout_length == OneStepQ(update_interval=9).rollout_length == 9
    assert [method.acts_on_snapshot for method in (NStepQ, OneStepQ, OneStepSarsa)] == [True, False, False]
    assert [method.needs_next_action for method in (NStepQ, OneStepQ, OneStepSarsa)] == [False, False, True]
