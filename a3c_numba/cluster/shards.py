"""Slices of the vectors: each parameter server, a shard, holds one slice of theta, and of g and theta- with it.

A node has an exchanger for each shard.  T is kept by the first shard alone.
"""

import numpy as np

from ..core.shared import Shared
from .messages import State


def slices(size: int, shards: int) -> list[slice]:
    """Return ``shards`` slices of about the same length.  Raises ValueError if there are more than numbers."""
    if not 0 < shards <= size:
        raise ValueError(f"theta has {size:,} numbers, which cannot be cut into {shards:,} shards")
    ends = [size * number // shards for number in range(shards + 1)]
    return [slice(start, stop) for start, stop in zip(ends, ends[1:])]


def part_of(state: State, part: slice) -> State:
    """Return a shard's part of a state.  Its statistics are (k, m), of k = 1 optimiser or one for each worker."""
    n, g, target = len(state.theta), state.statistics, state.target
    return state._replace(theta=state.theta[part], statistics=None if g is None else g.reshape(-1, n)[:, part],
                          target=None if target is None else target[part],
                          global_step=state.global_step if part.start == 0 else 0)


def joined(parts: list[State]) -> State:
    """Return the state whose parts these are; T and the counts are those of the first."""
    statistics = [part.statistics for part in parts if part.statistics is not None]
    targets = [part.target for part in parts if part.target is not None]
    return parts[0]._replace(
        theta=np.concatenate([part.theta for part in parts]),
        statistics=np.concatenate(statistics, axis=1).ravel() if len(statistics) == len(parts) else None,
        target=np.concatenate(targets) if len(targets) == len(parts) else None)


class SharedSlice:
    """The part of a node's shared vectors that one shard holds, as views."""

    def __init__(self, shared: Shared, part: slice) -> None:
        self.shared, self.is_first = shared, part.start == 0
        self.theta = shared.theta[part]
        self.statistics = shared.statistics.reshape(-1, len(shared.theta))[:, part]
        self.target = shared.target[part]

    def global_step(self) -> int:
        """Return T of the first slice, which is exchanged with it; else 0."""
        return self.shared.global_step() if self.is_first else 0

    def advance(self, steps: int) -> int:
        """T <- T + steps; return T as it was before.  ``steps`` is 0 for all slices but the first."""
        return self.shared.advance(steps)

    def renew_target(self) -> None:
        """theta- <- theta, of all slices."""
        self.shared.renew_target()
