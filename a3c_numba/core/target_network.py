"""The target network of the value methods: theta-, a copy of theta that stands still for I_target steps.

What a recurrent target network remembers is not carried along beside the worker's own state, where the two would drift
apart: it starts each rollout from the state in which the worker started it.
"""

from typing import Any

import numpy as np

from .layers.containers import RecurrentState
from .parameters import Parameters
from .rollout import Rollout


class TargetNetwork:
    """``network`` with the parameters ``theta`` (n,), which are used as they are, not copied."""

    def __init__(self, network: Any, theta: np.ndarray, rows: int) -> None:
        self.network, self.parameters = network, Parameters(network.shapes, theta)
        self.cache = network.cache(rows, np.float32)
        self.recurrent = RecurrentState(self.cache)

    def outputs(self, rollout: Rollout, first: int, state: np.ndarray) -> tuple[np.ndarray, ...]:
        """For the rollout's T + 1 states, of which those before ``first`` need no answer and perhaps get none."""
        if self.recurrent.size:
            self.recurrent.write(0, state)
            first = 0                                                    # what comes later depends on what came before
        rows = slice(first, len(rollout.obs))
        self.network.forward(self.parameters.tree, rollout.obs[rows], self.cache, rows)
        return tuple(y[:len(rollout.obs)] for y in self.cache.y)
