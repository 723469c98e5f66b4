"""What workers share without a lock: theta, the optimiser's statistics, theta- and T, in shared memory.

theta, and the statistics of an optimiser that shares them, are written by all workers at once (Hogwild), theta- by
whichever worker crosses a multiple of I_target.  T, the paper's global step counter, is added to by one atomic
instruction.  All of it is one block that ``shared_memory`` has reserved before the first worker starts.
"""

from typing import NamedTuple

import numpy as np

from ..system.atomic_counter import fetch_add
from ..system.shared_memory import ArraySpec, SharedArrays
from ..system.whole_words import copy_words

LINE = 8                       # 64-bit words in a cache line


class Vectors(NamedTuple):
    """All that is as long as theta: see ``Shared``."""

    theta: np.ndarray
    statistics: np.ndarray
    target: np.ndarray


class Shared:
    """Shared memory of one run.  Pickled to a worker process, it is the same memory there.

    Attributes:
        theta: float32 (n,).
        statistics: float32 (k n,), of k = 1 optimiser for all or one for each worker.
        target: float32 (n,), theta-; (0,) where the method has none.
        clock: int64 (LINE,); the first is T, the others keep all else out of its cache line.
    """

    def __init__(self, size: int, workers: int, own_statistics: bool = False, has_target: bool = False) -> None:
        sizes = size, size * workers if own_statistics else size, size if has_target else 0
        vectors = (ArraySpec(np.float32, (count,)) for count in sizes)
        self.__setstate__(SharedArrays([*vectors, ArraySpec(np.int64, (LINE,))]))

    def __getstate__(self) -> SharedArrays:
        return self._memory

    def __setstate__(self, memory: SharedArrays) -> None:
        self._memory = memory
        *vectors, self.clock = memory.arrays()
        self.theta, self.statistics, self.target = self.vectors = Vectors(*vectors)

    def global_step(self) -> int:
        """Return T: agent steps of all workers, from the very start of the run."""
        return int(self.clock[0])

    def advance(self, steps: int) -> int:
        """T <- T + steps; return T as it was before.  No two calls return the same."""
        return fetch_add(self.clock, steps)

    def renew_target(self) -> None:
        """theta- <- theta."""
        copy_words(self.theta, self.target)

    def load(self, theta: np.ndarray, statistics: np.ndarray | None, target: np.ndarray | None) -> None:
        """Start from a checkpoint's vectors; statistics that it lacks are 0, and theta- is theta."""
        self.theta[:] = theta
        self.statistics[:] = 0 if statistics is None else statistics
        self.target[:] = theta[:self.target.size] if target is None else target

    def resume_at(self, global_step: int) -> None:
        """Set T to where a run was interrupted."""
        self.clock[0] = global_step

    def statistics_of(self, worker: int) -> np.ndarray:
        """Return the statistics (n,) that this worker's updates read and write."""
        each = self.statistics.reshape(-1, len(self.theta))
        return each[worker % len(each)]
