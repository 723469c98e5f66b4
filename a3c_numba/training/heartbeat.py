"""Detect hung workers by their heartbeats in shared memory; no message is exchanged."""

import time

from .worker_handle import WorkerHandle
from .worker_status import WorkerStatus

START_SECONDS = 120.0          # minimum timeout before a worker's first update: on a busy machine Numba compiles slowly
CLOSE_SECONDS = 5.0            # maximum time for a failed worker to close its environment
MISSED_CHECKS = 4              # minimum number of missed heartbeats before a worker is killed


class HeartbeatMonitor:
    """Check all heartbeats and kill hung workers.

    Each check adds at most 1/MISSED_CHECKS of the timeout, so a suspended machine or a slow callback cannot by itself
    time a worker out.
    """

    def __init__(self, status: WorkerStatus, limit: float) -> None:
        self.status, self.limit = status, limit
        self.checked_at = time.monotonic()

    def check(self, handles: dict[int, WorkerHandle]) -> None:
        """Kill every worker that has made no step within its timeout."""
        now = time.monotonic()
        passed, self.checked_at = now - self.checked_at, now
        for number, handle in handles.items():
            allowed = self._allowed(number, handle)
            handle.listen(int(self.status.heartbeats[number]), min(passed, allowed / MISSED_CHECKS))
            if handle.alive and not handle.killed_after_seconds and handle.seconds_since_heartbeat > allowed:
                handle.kill()

    def _allowed(self, number: int, handle: WorkerHandle) -> float:
        """Return a worker's timeout, seconds without a step."""
        if handle.failure:
            return min(self.limit, CLOSE_SECONDS)
        begun = self.status.updates[number] > handle.updates                 # then all kernels are compiled
        return self.limit if begun else max(self.limit, START_SECONDS)
