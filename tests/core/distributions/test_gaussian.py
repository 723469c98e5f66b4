"""Gaussian: its formulas against densities multiplied one by one, its gradients, its extremes, and what is executed."""

import math

import numpy as np
import pytest
from gymnasium.spaces import Box

from a3c_numba.core.algorithms import A3C
from a3c_numba.core.distributions import Gaussian, stochastic_policy
from a3c_numba.core.distributions.gaussian import FLOOR
from a3c_numba.core.networks import MLP
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.rollout import RolloutCollector
from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.envs.toys import Aim

from tests import reference

pytestmark = pytest.mark.kernel

T = 4


def policy_of(d, bound=1.0):
    return Gaussian(np.full(d, -bound, np.float32), np.full(d, bound, np.float32))


def draw(d, dtype=np.float64, seed=0):
    """Rows, actions, advantages."""
    rng = np.random.default_rng(seed)
    rows, actions, advantages = rng.normal(size=(T, d + 1)), rng.normal(size=(T, d)), rng.normal(size=T)
    return rows.astype(dtype), actions.astype(dtype), advantages.astype(dtype)


def log_density(action, row):
    """The logarithm of d densities on the line, each exp(-x^2 / 2v) / sqrt(2 pi v), multiplied."""
    v, density = math.log(1 + math.exp(row[-1])) + FLOOR, 1.0
    for a, mu in zip(action, row):
        density *= math.exp(-(a - mu) ** 2 / (2 * v)) / math.sqrt(2 * math.pi * v)
    return math.log(density)


def entropy_on_a_grid(row):
    """- integral of pi log pi, d times that of one direction, over twelve deviations to either side."""
    v = math.log(1 + math.exp(row[-1])) + FLOOR
    x = np.linspace(-12, 12, 20_001) * math.sqrt(v)
    log_pi = -x ** 2 / (2 * v) - math.log(2 * math.pi * v) / 2
    return -(len(row) - 1) * float((np.exp(log_pi) * log_pi).sum() * (x[1] - x[0]))


@pytest.mark.parametrize("d", [1, 3])
def test_the_loss_is_made_of_log_probabilities(d):
    rows, actions, advantages = draw(d)
    logs = [log_density(action, row) for action, row in zip(actions, rows)]
    assert policy_of(d).loss(rows, actions, advantages, 0.0) == pytest.approx(-np.dot(logs, advantages), rel=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_entropy_is_the_integral(d):
    rows, actions, advantages = draw(d)
    entropies = [entropy_on_a_grid(row) for row in rows]
    distribution = policy_of(d)
    assert distribution.entropy(rows) == pytest.approx(np.mean(entropies), rel=1e-9)
    without, with_beta = (distribution.loss(rows, actions, advantages, beta) for beta in (0.0, 0.3))
    assert without - with_beta == pytest.approx(0.3 * sum(entropies), rel=1e-9)


def test_by_hand():
    y = math.log(math.e - 1)                                             # softplus(y) = 1
    v = 1 + FLOOR
    rows, action = np.array([[2.0, 0.0, y]]), np.array([[3.0, 2.0]])     # |a - mu|^2 = 1 + 4
    distribution = policy_of(2)
    log_pi = -5 / (2 * v) - math.log(2 * math.pi * v)
    assert distribution.loss(rows, action, np.ones(1), 0.0) == pytest.approx(-log_pi, rel=1e-12)
    assert distribution.entropy(rows) == pytest.approx(math.log(2 * math.pi * v) + 1, rel=1e-12)
    d_mu1, d_mu2, d_y = distribution.loss_gradient(rows, action, np.ones(1), 0.0)[0]
    assert (d_mu1, d_mu2) == (pytest.approx(-1 / v), pytest.approx(-2 / v))
    assert d_y == pytest.approx(-(5 / (2 * v * v) - 1 / v) * (math.e - 1) / math.e)


@pytest.mark.parametrize("beta", [0.0, 0.5])
@pytest.mark.parametrize("d", [1, 3])
def test_loss_gradient_against_central_differences(d, beta):
    rows, actions, advantages = draw(d)
    distribution = policy_of(d)

    def loss():
        return distribution.loss(rows, actions, advantages, beta)

    gradient = distribution.loss_gradient(rows, actions, advantages, beta)
    numeric = reference.coordinate_gradient(loss, rows)
    assert np.abs(gradient - numeric).max() <= 1e-6 * np.abs(numeric).max()


@pytest.mark.parametrize("y", [-30.0, -6.0, 20.0, 300.0])
def test_loss_gradient_far_out_against_central_differences(y):
    rows, actions, advantages = draw(3)
    rows[:, -1] = y
    distribution = policy_of(3)
    gradient = distribution.loss_gradient(rows, actions, advantages, 0.2)
    numeric = reference.coordinate_gradient(lambda: distribution.loss(rows, actions, advantages, 0.2), rows, h=1e-4)
    assert np.abs(gradient - numeric).max() <= 1e-6 * np.abs(numeric).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [-1e4, -800.0, -90.0, 90.0, 800.0, 1e4])
def test_extreme_variances_stay_finite(y, dtype):
    rows, actions, advantages = draw(2, dtype)
    rows[:, -1] = y
    distribution = policy_of(2)
    with np.errstate(over="ignore"):                                     # exp(-y) is inf, the slope of softplus 0
        gradient = distribution.loss_gradient(rows, actions, advantages, 0.01)
    assert np.isfinite(gradient).all() and gradient.dtype == dtype
    v = max(y, 0) + FLOOR
    np.testing.assert_allclose(gradient[:, :2], -advantages[:, None] * (actions - rows[:, :2]) / v, rtol=1e-5)
    slope = 1.0 if y > 0 else 0.0
    d_log_pi = ((actions - rows[:, :2]) ** 2).sum(axis=1) / (2 * v * v) - 1 / v
    np.testing.assert_allclose(gradient[:, 2], slope * (-advantages * d_log_pi - 0.01 / v), rtol=1e-4, atol=1e-12)
    assert distribution.entropy(rows) == pytest.approx(math.log(2 * math.pi * v) + 1, rel=1e-5)
    assert np.isfinite(distribution.sample(rows[0], np.random.default_rng(0))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [-3.0, 0.0, 2.0])
def test_samples_have_the_mean_and_the_variance(y, dtype):
    """Within four standard errors: sqrt(v / n) of the mean, v sqrt(2 / n) of the variance."""
    n, row = 40_000, np.array([0.5, -2.0, y], dtype)
    rng = np.random.default_rng(3)
    drawn = np.array([policy_of(2).sample(row, rng) for _ in range(n)])
    v = math.log(1 + math.exp(y)) + FLOOR
    np.testing.assert_allclose(drawn.mean(axis=0), row[:2], rtol=0, atol=4 * math.sqrt(v / n))
    np.testing.assert_allclose(drawn.var(axis=0), v, rtol=0, atol=4 * v * math.sqrt(2 / n))
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 4 / math.sqrt(n)
    assert drawn.dtype == np.float32 and drawn[0].shape == (2,)


def test_executed_is_clipped_and_the_best_is_the_mean():
    distribution = Gaussian(np.array([-1, 0], np.float32), np.array([1, 5], np.float32))
    np.testing.assert_array_equal(distribution.executed(np.array([-7.0, 7.0])), [-1, 5])
    np.testing.assert_array_equal(distribution.executed([0.5, 2.5]), np.array([0.5, 2.5], np.float32))
    assert np.isnan(distribution.executed(np.array([np.nan, 0.0]))[0])
    rows = np.array([[9.0, -9.0, 0.0], [1.0, 2.0, 3.0]])
    best = distribution.best(rows)
    np.testing.assert_array_equal(best, rows[:, :2])
    best[:] = 0
    assert rows[0, 0] == 9                                               # a copy
    np.testing.assert_allclose(distribution.display_probabilities(rows[1]), [1, 0.4])


def test_look_at_a_box_without_an_end():
    distribution = Gaussian(np.array([-np.inf, -2], np.float32), np.array([np.inf, 2], np.float32))
    np.testing.assert_allclose(distribution.display_probabilities(np.array([1e9, 1.0, 0.0])), [0.5, 0.75])


class Listener(Aim):
    """Keeps the actions that reach it."""

    def __init__(self):
        super().__init__(length=100, continuous=True)
        self.action_space = Box(-1, 1, (1,), np.float32)
        self.heard = []

    def step(self, action):
        self.heard.append(np.array(action))
        return super().step(action)


def test_a_clipped_action_is_executed_and_the_drawn_one_learned():
    env, algorithm = Listener(), A3C(t_max=50)
    distribution = algorithm.behaviour_policy(env.action_space, np.random.default_rng(0))
    network = MLP(hidden=4).build((3,), algorithm.heads(distribution))
    theta = Parameters(network.shapes)
    theta.named()["policy.head.bias"][-1] = 4.0                          # a deviation of 2, the Box ends at 1
    rollout, outputs, _ = RolloutCollector(EpisodeEnv(env), algorithm, network, distribution,
                                           np.random.default_rng(1)).collect(theta.tree)
    outside = np.abs(rollout.actions[:, 0]) > 1
    assert 15 < outside.sum() < 45 and rollout.actions.dtype == np.float32
    np.testing.assert_array_equal(np.array(env.heard), np.clip(rollout.actions, -1, 1))
    returns = np.full(50, 3, np.float32)
    rows = tuple(output[:50] for output in outputs)
    d_policy, _ = algorithm.loss_gradient(distribution, rollout.actions, returns, rows)
    v = math.log(1 + math.exp(4)) + FLOOR
    np.testing.assert_allclose(d_policy[:, 0], -3 * rollout.actions[:, 0] / v, rtol=1e-5)


def test_a_box_makes_a_gaussian_of_its_size():
    distribution = stochastic_policy(Box(-2, 2, (3,), np.float32))
    assert isinstance(distribution, Gaussian) and distribution.width == 4 and distribution.action_shape == (3,)
    np.testing.assert_array_equal(distribution.high, [2, 2, 2])
