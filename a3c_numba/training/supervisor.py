"""The worker processes of a run: start, hear, replace, ask, stop.

A worker that dies, or whose environment makes no step for ``limits.heartbeat_seconds`` and is killed for it, is
replaced by one with a random stream that was never used before.  What it had put into theta stays; the rollout that it
was in is lost.  No update ever waits for anything in here.
"""

import time
from multiprocessing import connection
from typing import Any

import numpy as np

from ..runs.checkpoint import Checkpoint
from ..runs.event_log import EventLog
from ..system import worker_server
from .heartbeat import HeartbeatMonitor
from .limits import Limits
from .worker_handle import WorkerHandle, start_worker
from .worker_status import WorkerStatus

STOP_SECONDS = 1.5             # in which workers end by themselves
JOIN_SECONDS = 0.5             # until all that were killed are gone, if their server lives to say so
START_SLICE = 0.2              # of one poll, that is spent on starting workers
ANSWER_SECONDS = 10.0          # until a checkpoint does without those who have not answered
MAX_STARTUP_FAILURES = 3       # workers in a row that fail before their first update: then there is no hope


class WorkerDied(RuntimeError):
    """A worker died and was not replaced; the message has its number, how it ended, and its traceback."""


class Supervisor:
    """Workers, and the pipes on which they report; ``events`` is told which of them are replaced, and why."""

    def __init__(self, status: WorkerStatus, start: Checkpoint, limits: Limits, events: EventLog) -> None:
        self.status, self.start_point, self.size = status, start, start.config.workers
        self.limits, self.streams, self.events = limits, start.streams, events
        self.handles: dict[int, WorkerHandle] = {}
        self.pending = list(range(self.size))                            # workers that are to be started
        self.unclaimed_states = dict(enumerate(start.workers))           # states that nobody has taken up yet
        self.restarts = self.consecutive_failures = 0
        self.requested: float | None = None                              # when states were asked for
        self.heartbeat = HeartbeatMonitor(status, limits.heartbeat_seconds)

    @property
    def processes(self) -> list[Any]:
        """Of all workers that were started and not replaced."""
        return [handle.process for handle in self.handles.values()]

    @property
    def alive(self) -> int:
        """How many workers run."""
        return sum(handle.alive for handle in self.handles.values())

    def poll(self, seconds: float) -> bool:
        """Start who is due, wait that long for news, replace the dead; False once the run is over and all have ended.

        Raises WorkerDied.
        """
        self._start_pending()
        self._wait(seconds)
        self.heartbeat.check(self.handles)
        if any(handle.exit_unreported for handle in self.handles.values()):
            self._kill_server()
        for number, handle in list(self.handles.items()):
            if not handle.alive and not self._is_over():
                self._replace(number, handle)
        return not self._is_over() or self.alive > 0

    def _is_over(self) -> bool:
        return self.status.stopping or self.status.shared.global_step() >= self.start_point.config.total_steps

    def _start_pending(self) -> None:
        """One at first, until it has made an update: by then all kernels are in the cache.  Then one after the other.

        After START_SLICE the poll goes on, so that signals are heeded; what is left is started in the next ones.
        """
        alone = not self.status.updates.any()
        free = 1 - len(self.handles) if alone else len(self.pending)     # first hear what the dead one died of
        until = time.monotonic() + START_SLICE
        for _ in range(min(len(self.pending), free)):
            if self._is_over() or time.monotonic() > until:
                return
            self._start(self.pending.pop(0))

    def _start(self, number: int) -> None:
        state = self.unclaimed_states.get(number)
        if state is None:
            self.streams += 1                                            # never used before; stream 0 drew theta
        seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))
        self.status.heartbeats[number] = 0
        try:
            with worker_server.forking_from_server():
                self.handles[number] = start_worker(number, self.start_point.config, self.status, seed, state)
        except InterruptedError:                                         # by a signal, which is heeded first
            self.pending.append(number)
        except (EOFError, ConnectionError) as error:                     # the server has died, and is started anew
            self._schedule_restart(number, f"could not be started: {error!r}")

    def _schedule_restart(self, number: int, how: str, story: str = "") -> None:
        """Have a worker started again; raises WorkerDied, with the story, where that was done too often."""
        if self.restarts >= self.limits.max_restarts:
            raise WorkerDied(story or f"worker {number} {how}")
        self.restarts += 1
        limit = self.limits.max_restarts
        self.events.add("replaced", number, f"{how}; replaced, {self.restarts} of at most {limit}")
        self.pending.append(number)

    def _wait(self, seconds: float) -> None:
        """Until something is said or somebody ends, at most ``seconds``; then receive what was said."""
        handles = list(self.handles.values())
        connection.wait([handle.reader for handle in handles if not handle.reader.closed]
                        + [handle.process.sentinel for handle in handles if handle.alive], seconds)
        for handle in handles:
            handle.receive()

    def _kill_server(self) -> None:
        """Who should say that a worker has ended has stopped, so that nobody could be replaced any more."""
        self.events.add("server killed")
        worker_server.kill_server()
        for handle in self.handles.values():
            handle.seconds_since_heartbeat = 0.0

    def _replace(self, number: int, handle: WorkerHandle) -> None:
        """Report a death, and have another worker started; raises WorkerDied where that has no use any more."""
        handle.receive()                                                 # what it said last
        story = f"worker {number} {handle.ending()}\n{handle.explanation()}".strip()
        if self._cannot_recover(number, handle):
            raise WorkerDied(story)
        self._schedule_restart(number, handle.ending() + handle.reason(), story)
        handle.reader.close()
        del self.handles[number]
        self.unclaimed_states.pop(number, None)                          # perhaps that is what it died of

    def _cannot_recover(self, number: int, handle: WorkerHandle) -> bool:
        """Whether nobody is left, and this one could not be made, or one after the other fails before an update."""
        if self.status.updates[number] > handle.updates:
            self.consecutive_failures = 0
        else:
            self.consecutive_failures += handle.failed
        return not self.alive and (handle.failed_in_constructor or self.consecutive_failures >= MAX_STARTUP_FAILURES)

    def request_states(self) -> None:
        """Ask every worker for its state at the end of the rollout it is in."""
        for handle in self.handles.values():
            handle.state = None
        self.requested = time.monotonic()
        self.status.request_states()

    @property
    def all_answered(self) -> bool:
        """Whether the last request has been answered by every worker."""
        return len(self.handles) == self.size and all(handle.state for handle in self.handles.values())

    def states_are_in(self) -> bool:
        """Whether all workers have answered the last request, or had time enough to."""
        if self.requested is None:
            return False
        return self.all_answered or time.monotonic() - self.requested > ANSWER_SECONDS

    def collect_states(self) -> tuple[list[dict[str, Any] | None], int]:
        """The workers' latest states, None for one that is lost, and the agent steps they add up to."""
        self.requested = None
        steps: list[int] = self.status.steps.tolist()
        states: list[dict[str, Any] | None] = []
        for number in range(self.size):
            state = self.handles[number].state if number in self.handles else None
            if state is not None:
                steps[number] = state["steps"]
            elif steps[number] == 0:
                state = self.unclaimed_states.get(number)                # nobody got as far as a first rollout
            states.append(state)
        return states, self.start_point.global_step + sum(steps)

    def stop(self) -> None:
        """Have all workers end, by word, and by force after STOP_SECONDS; their last states are received."""
        self.status.stop()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            while time.monotonic() < deadline and any(handle.can_receive for handle in self.handles.values()):
                self._wait(0.05)
        finally:                                                         # a second Ctrl-C: by force at once
            self._kill_all()
            for handle in self.handles.values():
                handle.receive()
                if not handle.finished:
                    handle.state = None                                  # of an earlier moment, if there is one

    def _kill_all(self) -> None:
        for handle in self.handles.values():
            handle.process.kill()
        deadline = time.monotonic() + JOIN_SECONDS
        try:
            for handle in self.handles.values():
                handle.process.join(max(0.0, deadline - time.monotonic()))
        finally:                                                         # a third one waits for nobody
            if self.alive:                                               # killed, but who should tell us has stopped
                worker_server.kill_server()
