"""A network and its parameters, ready to act: what evaluation, pictures and ``Agent.predict`` share."""

from typing import Any

import numpy as np

from .distributions import softmax
from .parameters import Parameters


class Policy:
    """pi(a|s; theta) of a built ``network``; ``theta`` (n,) float32 is used as it is, not copied."""

    def __init__(self, network: Any, algorithm: Any, theta: np.ndarray) -> None:
        self.network, self.algorithm = network, algorithm
        self.parameters = Parameters(network.shapes, theta)
        self._cache, self._rows = network.cache(1, np.float32), 1

    def outputs(self, obs: np.ndarray) -> tuple[np.ndarray, ...]:
        """What the heads say of a batch (n, *observation_shape); overwritten by the next call."""
        if len(obs) > self._rows:
            self._cache, self._rows = self.network.cache(len(obs), np.float32), len(obs)
        return self.network.forward(self.parameters.tree, np.ascontiguousarray(obs), self._cache, slice(0, len(obs)))

    def actions(self, obs: np.ndarray, rng: np.random.Generator, deterministic: bool = False) -> np.ndarray:
        """An action for each row (n,) int64: drawn from the policy, or the most probable one."""
        outputs = self.outputs(obs)
        if deterministic:
            return self.algorithm.best(outputs)
        rows = zip(*(output[:, None] for output in outputs))
        return np.array([self.algorithm.act(row, rng.random()) for row in rows], np.int64)

    def look(self, obs: np.ndarray) -> tuple[np.ndarray, float]:
        """The probabilities (actions,) and the value of one observation, for people."""
        logits, values = self.outputs(obs[None])
        return softmax(logits[0]), float(values[0, 0])
