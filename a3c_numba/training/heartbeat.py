"""Who among the workers hangs, seen without speaking to them."""

import time

from .worker_handle import Seat
from .worker_status import WorkerStatus

START_SECONDS = 120.0          # until a worker's first update, at the least: on a busy machine Numba compiles slowly
CLOSE_SECONDS = 5.0            # in which a worker that has failed closes its environment, at the most
LOOKS = 4                      # in vain, at the least, before a worker is taken for one that hangs


class Lookout:
    """Looks at all heartbeats from time to time.

    From one look to the next no more counts than a LOOKS-th of what a worker is allowed.  Where all processes stood
    still, or this one alone, or a callback took its time, a worker is therefore looked at again before it is taken for
    one that hangs.
    """

    def __init__(self, status: WorkerStatus, limit: float) -> None:
        self.status, self.limit = status, limit
        self.looked = time.monotonic()

    def look(self, seats: dict[int, Seat]) -> None:
        """Kill whoever has made no step for too long."""
        now = time.monotonic()
        passed, self.looked = now - self.looked, now
        for number, seat in seats.items():
            allowed = self._allowed(number, seat)
            seat.listen(int(self.status.heartbeats[number]), min(passed, allowed / LOOKS))
            if seat.alive and not seat.killed_after and seat.quiet > allowed:
                seat.kill()

    def _allowed(self, number: int, seat: Seat) -> float:
        """Seconds without a step."""
        if seat.failure:
            return min(self.limit, CLOSE_SECONDS)
        begun = self.status.updates[number] > seat.updates                   # and all kernels are compiled
        return self.limit if begun else max(self.limit, START_SECONDS)
