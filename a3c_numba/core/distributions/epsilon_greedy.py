"""The epsilon-greedy policy over action values, with which the value methods explore.

    with probability epsilon a uniform action, else argmax_a Q(s, a)

The greedy action has probability 1 - epsilon + epsilon / n, every other action epsilon / n.  One uniform number u
makes both choices: if u < epsilon, u / epsilon is again uniform.

Each worker draws its final epsilon once; its epsilon falls from 1 to that value (paper, section 5.1).
"""

from dataclasses import dataclass

import numpy as np

from ..schedules import linear
from .base import DiscreteActions


@dataclass
class EpsilonGreedy(DiscreteActions):
    """Epsilon-greedy over ``n`` actions; ``rows`` below are action values Q (T, n)."""

    n: int
    epsilon: float
    final_epsilon: float
    exploration_steps: int     # agent steps of all workers until epsilon is final

    def anneal(self, global_step: int) -> None:
        self.epsilon = linear(1.0, self.final_epsilon, global_step / self.exploration_steps)

    def sample(self, row: np.ndarray, rng: np.random.Generator) -> int:
        u = rng.random()
        if u < self.epsilon:
            return int(u / self.epsilon * self.n)
        return int(row.argmax())

    def entropy(self, rows: np.ndarray) -> float:
        pi = self.display_probabilities(rows[0])                         # the same in every state
        return float(-(pi * np.log(np.where(pi > 0, pi, 1))).sum())

    def display_probabilities(self, row: np.ndarray) -> np.ndarray:
        pi = np.full(self.n, self.epsilon / self.n)
        pi[row.argmax()] += 1 - self.epsilon
        return pi
