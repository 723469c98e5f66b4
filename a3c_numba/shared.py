"""What all processes see: theta, the optimiser's statistics, and a few numbers per worker, in shared memory.

Nothing here is ever locked.  theta and the statistics are written by all workers at once (Hogwild).  Everything else
has exactly one writer: a worker writes its own slots, the trainer the commands.  A counter that two processes
increment loses half of it, so T, the paper's global step counter, is the sum of one slot per worker.

Memory comes from ``RawArray``: its backing file is unlinked as soon as it is made, so that nothing is left behind even
by ``kill -9``.
"""

import time
from typing import Any

import numpy as np

LINE = 8                       # 64-bit words in a cache line; a worker's slots share no line with another's
STEPS, EPISODES, UPDATES, SKIPPED, HEARTBEAT, SERVED = range(6)          # columns of ``counters``
ENTROPY, VALUE, NORM = range(3)                                          # columns of ``gauges``
STOP, REQUEST = range(2)                                                 # places in ``commands``
RING = 1024                    # finished episodes of one worker that wait to be read
EPISODE_FIELDS = ("seconds", "global_step", "score", "length")


class Shared:
    """Shared memory of one run.  Pickled to a spawned worker, it is the same memory there.

    Attributes:
        theta, statistics: float32 (n,).
        counters: int64 (workers, LINE); gauges: float64 (workers, LINE), of each worker's latest rollout.
        episodes: float64 (workers, RING, 4), the EPISODE_FIELDS of each worker's latest episodes.
        snapshot: float32 (2, n), theta and statistics as worker 0 saw them at the last request.
    """

    def __init__(self, context: Any, size: int, workers: int, first_step: int = 0, first_second: float = 0.0) -> None:
        words = {"theta": size, "statistics": size, "snapshot": 2 * size}
        self._floats = {name: context.RawArray("f", count) for name, count in words.items()}
        self._counters = context.RawArray("q", workers * LINE)
        self._gauges = context.RawArray("d", workers * LINE)
        self._episodes = context.RawArray("d", workers * RING * len(EPISODE_FIELDS))
        self._commands = context.RawArray("q", LINE)
        self.first_step = first_step                                     # steps of the run before it was resumed
        self.started = time.monotonic() - first_second
        self._view()

    def _view(self) -> None:
        self.theta = np.frombuffer(self._floats["theta"], np.float32)
        self.statistics = np.frombuffer(self._floats["statistics"], np.float32)
        self.snapshot = np.frombuffer(self._floats["snapshot"], np.float32).reshape(2, -1)
        self.counters = np.frombuffer(self._counters, np.int64).reshape(-1, LINE)
        self.gauges = np.frombuffer(self._gauges, np.float64).reshape(-1, LINE)
        self.episodes = np.frombuffer(self._episodes, np.float64).reshape(len(self.counters), RING, -1)
        self.commands = np.frombuffer(self._commands, np.int64)

    def __getstate__(self) -> dict[str, Any]:
        raw = ("_floats", "_counters", "_gauges", "_episodes", "_commands", "first_step", "started")
        return {name: getattr(self, name) for name in raw}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view()

    def global_step(self) -> int:
        """T: agent steps of all workers, from the very start of the run."""
        return self.first_step + int(self.counters[:, STEPS].sum())

    def seconds(self) -> float:
        """Wall-clock seconds of training, from the very start of the run."""
        return time.monotonic() - self.started

    def advance(self, worker: int, steps: int, gauges: tuple[float, float, float]) -> None:
        """T <- T + steps, and what there is to see of the rollout; only ``worker`` itself calls this."""
        slot = self.counters[worker]
        slot[STEPS] += steps
        slot[UPDATES] += 1
        slot[SKIPPED] += not np.isfinite(gauges[NORM])
        slot[HEARTBEAT] = time.monotonic_ns()
        self.gauges[worker, :3] = gauges

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
