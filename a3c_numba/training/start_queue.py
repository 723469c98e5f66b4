"""Which workers are to be started, and when: at once, or later if the system had no room for one more."""

from typing import Callable

RETRY_SECONDS = 30.0           # from a failure to the next try; doubled each time
MOST_SECONDS = 600.0           # at most
STEP_SECONDS = 3.0             # between two postponed workers: about as long as the first one may take to fail


class StartQueue:
    """Numbers of workers to be started; postponed ones come one by one, after the others."""

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self.pending, self.clock = list(range(workers)), clock
        self._postponed: set[int] = set()
        self._until, self._tries, self._trying = 0.0, 0, True

    def ready(self) -> list[int]:
        """Return the numbers that may be started now."""
        later = [number for number in self.pending if number in self._postponed]
        now = [number for number in self.pending if number not in self._postponed]
        return now + later[:1] if self.clock() >= self._until else now

    def take(self) -> int:
        """Remove the first number that is ready, and return it."""
        number = self.ready()[0]
        self.pending.remove(number)
        if number in self._postponed:
            self._postponed.remove(number)
            self._until, self._trying = self.clock() + STEP_SECONDS, True
        return number

    def add(self, number: int) -> None:
        """Add a number, which is ready."""
        self.pending.append(number)

    def postpone(self) -> float:
        """Postpone all numbers; return for how many seconds."""
        self._postponed.update(self.pending)
        if self._trying or self.clock() >= self._until:                  # else the others failed with the first one
            self._until = self.clock() + min(RETRY_SECONDS * 2**self._tries, MOST_SECONDS)
            self._tries, self._trying = self._tries + 1, False
        return self._until - self.clock()
