"""What an action distribution is: how a worker acts on the network's outputs, and how far it explores."""

from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

ActionSpace = Any              # of gymnasium: a Box, or Discrete
Action = Any                   # an int, or a vector of float32


class Distribution(Protocol):
    """pi(a|s), given by ``width`` network outputs per state: ``row`` (width,), or ``rows`` (T, width) of T states."""

    @property
    def width(self) -> int:
        """Return the number of network outputs per state."""

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Return the shape of one action: () for a number."""

    @property
    def action_dtype(self) -> npt.DTypeLike:
        """Return the type of actions that are stored."""

    def anneal(self, global_step: int) -> None:
        """Set what changes during a run; here nothing does."""
        return None

    def sample(self, row: np.ndarray, rng: np.random.Generator) -> Action:
        """Draw an action."""

    def best(self, rows: np.ndarray) -> np.ndarray:
        """Return the most probable action of each row (T, *action_shape)."""

    def executed(self, action: Action) -> Action:
        """Return the argument of ``env.step`` for an action."""

    def entropy(self, rows: np.ndarray) -> float:
        """Return the mean entropy in nats."""

    def display_probabilities(self, row: np.ndarray) -> np.ndarray:
        """Return one number from 0 to 1 for each action, or for each direction of a vector, for display."""


class PolicyGradient(Distribution, Protocol):
    """A distribution that policy gradients can train."""

    def loss(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> float:
        """Return sum_t [ -log pi(a_t) A_t - beta H_t ], for gradient checks: in numpy's words."""

    def loss_gradient(self, rows: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> np.ndarray:
        """Return d loss / d rows (T, width), a new array, with the advantages A (T,) held constant."""


class DiscreteActions(Distribution):
    """A distribution over the actions 0 .. n - 1, from n network outputs per state; a higher output is preferred."""

    n: int
    action_shape: ClassVar[tuple[int, ...]] = ()
    action_dtype: ClassVar[npt.DTypeLike] = np.int64

    @property
    def width(self) -> int:
        return self.n

    def best(self, rows: np.ndarray) -> np.ndarray:
        return rows.argmax(axis=1)

    def executed(self, action: Action) -> int:
        return int(action)
