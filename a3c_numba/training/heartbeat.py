"""Detect hung workers by their heartbeats in shared memory; no message is exchanged."""

import time
from typing import Callable

from .worker_handle import FAILURES, WorkerHandle, WorkerPhase
from .worker_status import WorkerStatus

START_SECONDS = 120.0          # minimum timeout before a worker's first update: on a busy machine Numba compiles slowly
CLOSE_SECONDS = 5.0            # maximum time for a failed worker to close its environment
MISSED_CHECKS = 4              # minimum number of missed heartbeats before a worker is killed


class HeartbeatMonitor:
    """Check all heartbeats and kill hung workers.

    Each check adds at most 1/MISSED_CHECKS of the timeout, so a suspended machine or a slow callback cannot by itself
    time a worker out.
    """

    def __init__(self, status: WorkerStatus, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.status, self.limit, self.clock = status, limit, clock
        self.checked_at = clock()

    def check(self, handles: dict[int, WorkerHandle]) -> None:
        """Kill every worker that has made no step within its timeout."""
        now = self.clock()
        passed, self.checked_at = now - self.checked_at, now
        for number, handle in handles.items():
            allowed = self.limit                                         # seconds without a step
            if handle.reported in FAILURES:
                allowed = min(self.limit, CLOSE_SECONDS)
            elif self.status.updates[number] <= handle.updates:          # perhaps not all kernels are compiled
                allowed = max(self.limit, START_SECONDS)
            handle.listen(int(self.status.heartbeats[number]), min(passed, allowed / MISSED_CHECKS))
            silent = handle.seconds_since_heartbeat > allowed
            if silent and handle.phase not in (WorkerPhase.KILLED, WorkerPhase.EXITED):
                handle.kill()
