"""What all processes see: theta, the optimiser's statistics, and a few numbers per worker, in shared memory.

Nothing here is ever locked.  theta, and the statistics of an optimiser that shares them, are written by all workers at
once (Hogwild), theta- by whichever worker crosses a multiple of I_target.  T, the paper's global step counter, is added
to by one atomic instruction.  Everything else has exactly one writer: a worker writes its own slots, the trainer the
commands.

All of it is one block that ``shared_memory`` has reserved before the first worker starts.
"""

import time
from typing import Any, NamedTuple

import numpy as np

from ..system.atomic_counter import fetch_add
from ..system.shared_memory import Array, Memory

LINE = 8                       # 64-bit words in a cache line; a worker's slots share no line with another's
STEPS, EPISODES, UPDATES, SKIPPED, HEARTBEAT, SERVED = range(6)          # columns of ``counters``
ENTROPY, VALUE, NORM = range(3)                                          # columns of ``gauges``
STOP, REQUEST = range(2)                                                 # places in ``commands``
RING = 1024                    # finished episodes of one worker that wait to be read
EPISODE_FIELDS = ("seconds", "global_step", "score", "length")


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
        counters: int64 (workers, LINE); gauges: float64 (workers, LINE), of each worker's latest rollout.
        episodes: float64 (workers, RING, 4), the EPISODE_FIELDS of each worker's latest episodes.
        kept: copies of theta, statistics and target as they were at the last request.
    """

    def __init__(self, size: int, workers: int, own_statistics: bool = False, has_target: bool = False) -> None:
        words = Vectors(size, size * (workers if own_statistics else 1), size * has_target)
        self._memory = Memory([
            *(Array(np.float32, (count,)) for count in words),
            *(Array(np.float32, (count,)) for count in words),                               # kept
            Array(np.int64, (LINE,)),                                                        # clock
            Array(np.int64, (workers, LINE)),                                                # counters
            Array(np.float64, (workers, LINE)),                                              # gauges
            Array(np.float64, (workers, RING, len(EPISODE_FIELDS))),                         # episodes
            Array(np.int64, (LINE,)),                                                        # commands
        ])
        self.started = time.monotonic()
        self._view()

    def _view(self) -> None:
        arrays = self._memory.arrays()
        self.theta, self.statistics, self.target = self.vectors = Vectors(*arrays[:3])
        self.kept = Vectors(*arrays[3:6])
        self.clock, self.counters, self.gauges, self.episodes, self.commands = arrays[6:]

    def __getstate__(self) -> dict[str, Any]:
        return {"_memory": self._memory, "started": self.started}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view()

    def global_step(self) -> int:
        """T: agent steps of all workers, from the very start of the run."""
        return int(self.clock[0])

    def seconds(self) -> float:
        """Wall-clock seconds of training, from the very start of the run."""
        return time.monotonic() - self.started

    def take_up(self, theta: np.ndarray, statistics: np.ndarray | None, target: np.ndarray | None) -> None:
        """Start from a checkpoint's vectors; statistics that it lacks are 0, and theta- is theta."""
        self.theta[:] = theta
        self.statistics[:] = 0 if statistics is None else statistics
        self.target[:] = theta[:self.target.size] if target is None else target

    def go_on_from(self, global_step: int, seconds: float) -> None:
        """Count on from where a run was interrupted."""
        self.clock[0] = global_step
        self.started = time.monotonic() - seconds

    def statistics_of(self, worker: int) -> np.ndarray:
        """The statistics (n,) that this worker's updates read and write."""
        each = self.statistics.reshape(-1, len(self.theta))
        return each[worker % len(each)]

    def keep(self, worker: int) -> None:
        """Copy what is to be kept: worker 0 what all share, every other one what is its own."""
        n, own = len(self.theta), self.statistics.size > len(self.theta)
        if own or worker == 0:
            start = worker * n * own
            self.kept.statistics[start:start + n] = self.statistics[start:start + n]
        if worker == 0:
            self.kept.theta[:] = self.theta
            self.kept.target[:] = self.target

    def advance(self, steps: int) -> int:
        """T <- T + steps; returns T as it was before.

        No two calls return the same: the steps from there on are the caller's alone.
        """
        return fetch_add(self.clock, steps)

    def count_update(self, worker: int, update: Any) -> None:
        """What there is to see of an update (steps, entropy, value, gradient_norm, episode), and its steps.

        Only ``worker`` itself calls this, after ``advance``: T has moved before the worker's own steps count.
        """
        slot = self.counters[worker]
        slot[STEPS] += update.steps
        self.gauges[worker, :3] = update.entropy, update.value, update.gradient_norm
        slot[UPDATES] += 1                                               # behind the gauges: from now on they count
        slot[SKIPPED] += not np.isfinite(update.gradient_norm)
        if update.episode:
            self.record(worker, *update.episode)

    def record(self, worker: int, score: float, length: int) -> None:
        """Put a finished episode into the worker's ring; the counter moves last, so a reader never sees half of it."""
        slot = self.counters[worker]
        self.episodes[worker, slot[EPISODES] % RING] = self.seconds(), self.global_step(), score, length
        slot[EPISODES] += 1

    def stop(self) -> None:
        """Ask all workers to end after the rollout they are in."""
        self.commands[STOP] = 1

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` has been called."""
        return bool(self.commands[STOP])
