"""The worker processes of a run: start, hear, replace, ask, stop.

A worker that dies, or whose environment makes no step for ``watch.heartbeat_seconds`` and is killed for it, is replaced
by one with a random stream that was never used before.  What it had put into theta stays; the rollout that it was in is
lost.  No update ever waits for anything in here.
"""

import time
from multiprocessing import connection
from typing import Any

import numpy as np

from ..runs.checkpoint import Checkpoint
from ..system import worker_server as processes
from .heartbeat import Lookout
from .limits import Watch
from .worker_handle import Seat, started
from .worker_status import WorkerStatus

STOP_SECONDS = 1.5             # in which workers end by themselves
JOIN_SECONDS = 0.5             # until all that were killed are gone, if their server lives to say so
START_SLICE = 0.2              # of one poll, that is spent on starting workers
ANSWER_SECONDS = 10.0          # until a checkpoint does without those who have not answered
STILLBORN = 3                  # workers in a row that fail before their first update: then there is no hope


class WorkerDied(RuntimeError):
    """A worker died and was not replaced; the message has its number, how it ended, and its traceback."""


class Crew:
    """Workers, and the pipes on which they report; ``news`` has a line for whatever befell one of them."""

    def __init__(self, status: WorkerStatus, start: Checkpoint, watch: Watch) -> None:
        self.status, self.start_point, self.size = status, start, start.config.workers
        self.watch, self.streams = watch, start.streams
        self.news: list[str] = []
        self.seats: dict[int, Seat] = {}
        self.absent = list(range(self.size))                             # workers that are to be started
        self.restored = dict(enumerate(start.workers))                   # states that nobody has taken up yet
        self.restarts = self.in_a_row = 0
        self.requested: float | None = None                              # when states were asked for
        self.lookout = Lookout(status, watch.heartbeat_seconds)

    @property
    def processes(self) -> list[Any]:
        """Of all workers that were started and not replaced."""
        return [seat.process for seat in self.seats.values()]

    @property
    def alive(self) -> int:
        """How many workers run."""
        return sum(seat.alive for seat in self.seats.values())

    def poll(self, seconds: float) -> bool:
        """Start who is due, wait that long for news, replace the dead; False once the run is over and all have ended.

        Raises WorkerDied.
        """
        self._start_absent()
        self._wait(seconds)
        self.lookout.look(self.seats)
        if any(seat.overdue for seat in self.seats.values()):
            self._abandon_server()
        for number, seat in list(self.seats.items()):
            if not seat.alive and not self._is_over():
                self._replace(number, seat)
        return not self._is_over() or self.alive > 0

    def _is_over(self) -> bool:
        return self.status.stopping or self.status.shared.global_step() >= self.start_point.config.total_steps

    def _start_absent(self) -> None:
        """One at first, until it has made an update: by then all kernels are in the cache.  Then one after the other.

        After START_SLICE the poll goes on, so that signals are heeded; what is left is started in the next ones.
        """
        alone = not self.status.updates.any()
        free = 1 - len(self.seats) if alone else len(self.absent)        # first hear what the dead one died of
        until = time.monotonic() + START_SLICE
        for _ in range(min(len(self.absent), free)):
            if self._is_over() or time.monotonic() > until:
                return
            self._start(self.absent.pop(0))

    def _start(self, number: int) -> None:
        state = self.restored.get(number)
        if state is None:
            self.streams += 1                                            # never used before; stream 0 drew theta
        seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))
        self.status.heartbeats[number] = 0
        try:
            with processes.starting():
                self.seats[number] = started(number, self.start_point.config, self.status, seed, state)
        except InterruptedError:                                         # by a signal, which is heeded first
            self.absent.append(number)
        except (EOFError, ConnectionError) as error:                     # the server has died, and is started anew
            self._put_back(number, f"worker {number} could not be started: {error!r}")

    def _put_back(self, number: int, how: str, story: str = "") -> None:
        """Have a worker started again; raises WorkerDied, with the story, where that was done too often."""
        if self.restarts >= self.watch.max_restarts:
            raise WorkerDied(story or how)
        self.restarts += 1
        self.news.append(f"{how}; replaced, {self.restarts} of at most {self.watch.max_restarts}")
        self.absent.append(number)

    def _wait(self, seconds: float) -> None:
        """Until something is said or somebody ends, at most ``seconds``; then receive what was said."""
        seats = list(self.seats.values())
        connection.wait([seat.inbox for seat in seats if not seat.inbox.closed]
                        + [seat.process.sentinel for seat in seats if seat.alive], seconds)
        for seat in seats:
            seat.receive()

    def _abandon_server(self) -> None:
        """Who should say that a worker has ended has stopped, so that nobody could be replaced any more."""
        self.news.append("the server that workers are forked from does not answer: it was ended, and they with it")
        processes.abandon_server()
        for seat in self.seats.values():
            seat.quiet = 0.0

    def _replace(self, number: int, seat: Seat) -> None:
        """Report a death, and have another worker started; raises WorkerDied where that has no use any more."""
        seat.receive()                                                   # what it said last
        how = f"worker {number} {seat.ending()}"
        story = f"{how}\n{seat.explanation()}".strip()
        if self._is_hopeless(number, seat):
            raise WorkerDied(story)
        self._put_back(number, how + seat.reason(), story)
        seat.inbox.close()
        del self.seats[number]
        self.restored.pop(number, None)                                  # perhaps that is what it died of

    def _is_hopeless(self, number: int, seat: Seat) -> bool:
        """Whether nobody is left, and this one could not be made, or one after the other fails before an update."""
        if self.status.updates[number] > seat.updates:
            self.in_a_row = 0
        else:
            self.in_a_row += seat.failed
        return not self.alive and (seat.unmade or self.in_a_row >= STILLBORN)

    def request_states(self) -> None:
        """Ask every worker for its state at the end of the rollout it is in."""
        for seat in self.seats.values():
            seat.state = None
        self.requested = time.monotonic()
        self.status.request_states()

    @property
    def all_answered(self) -> bool:
        """Whether the last request has been answered by every worker."""
        return len(self.seats) == self.size and all(seat.state for seat in self.seats.values())

    def states_are_in(self) -> bool:
        """Whether all workers have answered the last request, or had time enough to."""
        if self.requested is None:
            return False
        return self.all_answered or time.monotonic() - self.requested > ANSWER_SECONDS

    def take_states(self) -> tuple[list[dict[str, Any] | None], int]:
        """The workers' latest states, None for one that is lost, and the agent steps they add up to."""
        self.requested = None
        steps: list[int] = self.status.steps.tolist()
        states: list[dict[str, Any] | None] = []
        for number in range(self.size):
            state = self.seats[number].state if number in self.seats else None
            if state is not None:
                steps[number] = state["steps"]
            elif steps[number] == 0:
                state = self.restored.get(number)                        # nobody got as far as a first rollout
            states.append(state)
        return states, self.start_point.global_step + sum(steps)

    def stop(self) -> None:
        """Have all workers end, by word, and by force after STOP_SECONDS; their last states are received."""
        self.status.stop()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            while time.monotonic() < deadline and any(seat.heard for seat in self.seats.values()):
                self._wait(0.05)
        finally:                                                         # a second Ctrl-C: by force at once
            self._kill_all()
            for seat in self.seats.values():
                seat.receive()
                if not seat.finished:
                    seat.state = None                                    # of an earlier moment, if there is one

    def _kill_all(self) -> None:
        for seat in self.seats.values():
            seat.process.kill()
        deadline = time.monotonic() + JOIN_SECONDS
        try:
            for seat in self.seats.values():
                seat.process.join(max(0.0, deadline - time.monotonic()))
        finally:                                                         # a third one waits for nobody
            if self.alive:                                               # killed, but who should tell us has stopped
                processes.abandon_server()
