"""Who among the workers hangs, seen without speaking to them."""

import time

from .worker_handle import WorkerHandle
from .worker_status import WorkerStatus

START_SECONDS = 120.0          # until a worker's first update, at the least: on a busy machine Numba compiles slowly
CLOSE_SECONDS = 5.0            # in which a worker that has failed closes its environment, at the most
MISSED_CHECKS = 4              # in vain, at the least, before a worker is taken for one that hangs


class HeartbeatMonitor:
    """Looks at all heartbeats from time to time.

    From one look to the next no more counts than a MISSED_CHECKS-th of what a worker is allowed.  Where all processes
    stood still, or this one alone, or a callback took its time, a worker is therefore looked at again before it is
    taken for one that hangs.
    """

    def __init__(self, status: WorkerStatus, limit: float) -> None:
        self.status, self.limit = status, limit
        self.checked_at = time.monotonic()

    def check(self, handles: dict[int, WorkerHandle]) -> None:
        """Kill whoever has made no step for too long."""
        now = time.monotonic()
        passed, self.checked_at = now - self.checked_at, now
        for number, handle in handles.items():
            allowed = self._allowed(number, handle)
            handle.listen(int(self.status.heartbeats[number]), min(passed, allowed / MISSED_CHECKS))
            if handle.alive and not handle.killed_after_seconds and handle.seconds_since_heartbeat > allowed:
                handle.kill()

    def _allowed(self, number: int, handle: WorkerHandle) -> float:
        """Seconds without a step."""
        if handle.failure:
            return min(self.limit, CLOSE_SECONDS)
        begun = self.status.updates[number] > handle.updates                 # and all kernels are compiled
        return self.limit if begun else max(self.limit, START_SECONDS)
