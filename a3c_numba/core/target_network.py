"""The target network of the value methods: theta-, a copy of theta that is constant for I_target steps.

A recurrent target network starts each rollout from the worker's state at the start of that rollout; a separate state
for it would drift apart from the worker's.
"""

import numpy as np

from .layers.base import Network, Outputs
from .layers.recurrent_state import RecurrentState
from .parameters import Parameters
from .returns import Rollout


class TargetNetwork:
    """``network`` with the parameters ``theta`` (n,), which are not copied."""

    def __init__(self, network: Network, theta: np.ndarray, rows: int) -> None:
        self.network, self.parameters = network, Parameters(network.shapes, theta)
        self.cache = network.cache(rows, np.float32)
        self.recurrent = RecurrentState(self.cache)

    def outputs(self, rollout: Rollout, first: int, state: np.ndarray) -> Outputs:
        """Return the outputs for the rollout's T + 1 states; rows before ``first`` are not needed, and may be stale."""
        if self.recurrent.size:
            self.recurrent.write(0, state)
            first = 0                                                    # later states depend on the earlier ones
        rows = slice(first, len(rollout.obs))
        self.network.forward(self.parameters.tree, rollout.obs[rows], self.cache, rows)
        return tuple(y[:len(rollout.obs)] for y in self.cache.y)
