"""Epsilon-greedy over action values: what the value methods explore with.

    with probability epsilon a uniform action, else argmax_a Q(s, a)

so that the greedy action has probability 1 - epsilon + epsilon / n, every other one epsilon / n.  One uniform number u
decides both: below epsilon, u / epsilon is uniform again.

Each worker has a final epsilon of its own, drawn once, to which its epsilon falls from 1 (paper, section 5.1).
"""

from dataclasses import dataclass

import numpy as np

from ..schedules import linear
from .discrete import OverActions


@dataclass
class EpsilonGreedy(OverActions):
    """Over ``n`` actions; ``rows`` below are action values Q (T, n)."""

    n: int
    epsilon: float
    final_epsilon: float
    exploration_steps: int     # agent steps of all workers until epsilon is final

    def anneal(self, global_step: int) -> None:
        """Set epsilon to what it is at this step of the run."""
        self.epsilon = linear(1.0, self.final_epsilon, global_step / self.exploration_steps)

    def sample(self, row: np.ndarray, rng: np.random.Generator) -> int:
        """An action of the epsilon-greedy policy."""
        u = rng.random()
        if u < self.epsilon:
            return int(u / self.epsilon * self.n)
        return int(row.argmax())

    def entropy(self, rows: np.ndarray) -> float:
        """Entropy in nats, the same in every state."""
        pi = self.look(rows[0])
        return float(-(pi * np.log(np.where(pi > 0, pi, 1))).sum())

    def look(self, row: np.ndarray) -> np.ndarray:
        """The probabilities (n,), for people."""
        pi = np.full(self.n, self.epsilon / self.n)
        pi[row.argmax()] += 1 - self.epsilon
        return pi
