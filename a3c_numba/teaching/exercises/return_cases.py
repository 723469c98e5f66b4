"""Cases of the exercises on returns; ``returns_of`` and the four methods' targets give the answers."""

from typing import Iterator, Mapping

import numpy as np

from ...core.algorithms import A3C, Algorithm, NStepQ, OneStepQ, OneStepSarsa
from ...core.returns import Rollout, returns_of
from .case import EXACT, SINGLE, Case

Rng = np.random.Generator

BACKWARDS = "start with the bootstrap value and go from t = T - 1 down to 0: R = r_t + gamma_t R"
RETURN_HINTS = {"returns": BACKWARDS}
ADVANTAGE_HINTS = {
    "advantages": "A_t = delta_t + gamma_t lambda A_{t+1}, the last step first, delta_t = r_t + gamma_t V_{t+1} - V_t",
    "returns": "R_t = A_t + V_t, for the values of the first T states",
}
TARGET_HINTS = {
    "one_step_q_targets": {"targets": "the largest of row t + 1 of q, times gamma_t, plus r_t"},
    "one_step_sarsa_targets": {"targets": "the element next_actions[t] of row t + 1 of q, times gamma_t, plus r_t"},
    "n_step_q_targets": {"targets": "the largest of the last row of q is the bootstrap value: " + BACKWARDS},
    "a3c_targets": {"targets": "the last value is the bootstrap value: " + BACKWARDS},
}
# T, gamma (1/2 for cases by hand), and whether the episode terminated
LENGTHS = [(3, 0.5, False), (3, 0.5, True), (1, 0.9, False), (1, 0.99, True), (6, 0.99, False)]


def _rewards(rng: Rng, T: int, gamma: float, terminated: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return whole rewards, and discounts of which the last is 0 if the episode terminated."""
    discounts = np.full(T, gamma)
    if terminated:
        discounts[-1] = 0.0
    return rng.integers(-3, 4, size=T).astype(float), discounts


def n_step(rng: Rng) -> Iterator[Case]:
    """Yield exercise 4: cut off, terminated, a single step, and no step."""
    drawn = []
    for T, gamma, terminated in LENGTHS:
        drawn.append((*_rewards(rng, T, gamma, terminated), float(rng.integers(5, 9))))
    for rewards, discounts, bootstrap_value in [*drawn, (np.zeros(0), np.zeros(0), 1.0)]:
        values = np.full(len(rewards) + 1, bootstrap_value)              # with lambda = 1 only the last is used
        arguments = {"rewards": rewards, "discounts": discounts, "bootstrap_value": bootstrap_value}
        yield Case("n_step_returns", arguments, {"returns": returns_of(rewards, discounts, values)}, RETURN_HINTS)


def targets(rng: Rng) -> Iterator[Case]:
    """Yield exercise 5: each method in turn on the same rollouts."""
    drawn = []
    for T, gamma, terminated in LENGTHS:
        rewards, discounts = _rewards(rng, T, gamma, terminated)
        q, next_actions = rng.integers(-9, 10, size=(T + 1, 3)).astype(float), rng.integers(3, size=T)
        rollout = Rollout(np.zeros((T + 1, 1)), np.zeros(T, np.int64), rewards, discounts, next_actions)
        drawn.append((rollout, {"rewards": rewards, "discounts": discounts}, q))
    for rollout, known, q in drawn:
        yield _target_case("one_step_q_targets", OneStepQ(), rollout, known | {"q": q})
    for rollout, known, q in drawn:
        known = known | {"q": q, "next_actions": rollout.next_actions}
        yield _target_case("one_step_sarsa_targets", OneStepSarsa(), rollout, known)
    for rollout, known, q in drawn:
        yield _target_case("n_step_q_targets", NStepQ(), rollout, known | {"q": q})
    for rollout, known, q in drawn:
        known = known | {"values": q[:, 0]}
        expected = A3C().targets(rollout, (q, q[:, :1]))
        yield Case("a3c_targets", known, {"targets": expected}, TARGET_HINTS["a3c_targets"], EXACT)


def _target_case(function: str, method: Algorithm, rollout: Rollout, arguments: Mapping[str, np.ndarray]) -> Case:
    expected = method.targets(rollout, (arguments["q"],))
    return Case(function, arguments, {"targets": expected}, TARGET_HINTS[function], SINGLE)


def generalised(rng: Rng) -> Iterator[Case]:
    """Yield exercise 9: lambda from 0 to 1, terminated and not."""
    for lambda_ in (0.5, 0.0, 1.0, 0.95):
        for T, gamma, terminated in LENGTHS:
            rewards, discounts = _rewards(rng, T, gamma, terminated)
            values = rng.integers(-9, 10, size=T + 1).astype(float)
            returns = returns_of(rewards, discounts, values, lambda_)
            arguments = {"rewards": rewards, "discounts": discounts, "values": values, "lambda_": lambda_}
            expected = {"advantages": returns - values[:-1], "returns": returns}
            yield Case("generalised_advantages", arguments, expected, ADVANTAGE_HINTS)
