"""What workers share without a lock: theta, the optimiser's statistics, theta- and T, in shared memory.

theta, and the statistics of an optimiser that shares them, are written by all workers at once (Hogwild), theta- by
whichever worker crosses a multiple of I_target.  T, the paper's global step counter, is added to by one atomic
instruction.

All of it is one block that ``shared_memory`` has reserved before the first worker starts.
"""

from typing import Any, NamedTuple

import numpy as np

from ..system.atomic_counter import fetch_add
from ..system.shared_memory import ArraySpec, SharedArrays

LINE = 8                       # 64-bit words in a cache line


class Vectors(NamedTuple):
    """All that is as long as theta: see ``Shared``."""

    theta: Any
    statistics: Any
    target: Any


class Shared:
    """Shared memory of one run.  Pickled to a worker process, it is the same memory there.

    Attributes:
        theta: float32 (n,).
        statistics: float32 (k n,), of k = 1 optimiser for all or one for each worker.
        target: float32 (n,), theta-; (0,) where the method has none.
        clock: int64 (LINE,), of which the first is T.
    """

    def __init__(self, size: int, workers: int, own_statistics: bool = False, has_target: bool = False) -> None:
        words = Vectors(size, size * (workers if own_statistics else 1), size * has_target)
        self._memory = SharedArrays([*(ArraySpec(np.float32, (count,)) for count in words),
                                     ArraySpec(np.int64, (LINE,))])
        self._view()

    def _view(self) -> None:
        arrays = self._memory.arrays()
        self.theta, self.statistics, self.target = self.vectors = Vectors(*arrays[:3])
        self.clock = arrays[3]

    def __getstate__(self) -> dict[str, Any]:
        return {"_memory": self._memory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view()

    def global_step(self) -> int:
        """T: agent steps of all workers, from the very start of the run."""
        return int(self.clock[0])

    def advance(self, steps: int) -> int:
        """T <- T + steps; returns T as it was before.

        No two calls return the same: the steps from there on are the caller's alone.
        """
        return fetch_add(self.clock, steps)

    def load(self, theta: np.ndarray, statistics: np.ndarray | None, target: np.ndarray | None) -> None:
        """Start from a checkpoint's vectors; statistics that it lacks are 0, and theta- is theta."""
        self.theta[:] = theta
        self.statistics[:] = 0 if statistics is None else statistics
        self.target[:] = theta[:self.target.size] if target is None else target

    def resume_at(self, global_step: int) -> None:
        """Count on from where a run was interrupted."""
        self.clock[0] = global_step

    def statistics_of(self, worker: int) -> np.ndarray:
        """The statistics (n,) that this worker's updates read and write."""
        each = self.statistics.reshape(-1, len(self.theta))
        return each[worker % len(each)]
