"""Start, supervise, replace and stop the worker processes of a run.

A worker that dies is replaced.  What it had put into theta stays; the rollout that it was in is lost.  No update ever
waits for anything in here.  The death of one worker, stage by stage:

1. Silent: its environment does not return from step or reset.  The heartbeat monitor counts the seconds, at most a
   quarter of the timeout per poll, so that a suspended machine kills no worker (heartbeat.py).  The timeout is
   ``limits.heartbeat_seconds``.  It is at least 120 s until the worker's first update, and at most 5 s after the worker
   has sent a traceback.
2. Killed, when the timeout is over.  A worker that exits by itself has no stages 1 and 2.
3. Exit seen: the server that it was forked from reports the exit.  If it does not within another timeout, the server is
   killed, and all of its workers die with it.  The worker's last messages are read: a traceback, if it sent one.
4. Restart scheduled: the cause of death goes into the event log, the worker's number into ``queue``.  The run ends
   with WorkerDied instead if there were ``limits.max_restarts`` restarts; or if no worker is alive, and this one failed
   in its constructor or was the third in a row to fail before its first update (restarts.py).  If others are alive,
   the run continues with them, and starts this one later (start_queue.py), if it was the third in a row, or if memory,
   processes or descriptors ran out.
5. Replaced: the next poll starts a worker of the same number, with a random stream that was never used before.  Until
   some worker has made an update, only one runs at a time.  If the system refuses the process, the run continues with
   the others; without others WorkerDied ends it.

A server that dies, with its workers or before it has forked one, is one restart, however many workers die with it.  The
third in a row ends the run.
"""

import time
from typing import Callable

import numpy as np

from ..runs.checkpoint import Checkpoint
from ..runs.event_log import EventLog
from ..system import worker_server
from ..system.channel import wait
from ..system.child_process import WorkerProcess
from ..system.exhaustion import advice
from ..system.fork_server import Server, WorkerStartError
from ..system.row_record import MOST_NUMBERS, MOST_ROWS
from .collector_state import is_too_long
from .heartbeat import HeartbeatMonitor
from .limits import Limits
from .restarts import Restarts, WorkerDied
from .start_queue import StartQueue
from .state_collector import StateCollector
from .worker_handle import StartWorker, WorkerHandle, WorkerPhase, start_worker
from .worker_status import WorkerStatus

STOP_SECONDS = 1.5             # for workers to stop by themselves
JOIN_SECONDS = 0.5             # for killed workers to exit, if their server is alive to report it
START_SLICE = 0.2              # maximum time that one poll spends on starting workers


class Supervisor:
    """Supervise the workers; log to ``events`` which of them are replaced, and why.

    Args:
        clock: returns seconds, from any moment on.
        start_worker: starts a worker process; tests hand in one that starts none.
    """

    def __init__(self, status: WorkerStatus, start: Checkpoint, limits: Limits, events: EventLog,
                 clock: Callable[[], float] = time.monotonic, start_worker: StartWorker = start_worker) -> None:
        self.status, self.start_point, self.limits, self.events = status, start, limits, events
        self.clock, self.start_worker = clock, start_worker
        self.streams = start.streams                                     # number of random streams used so far
        self.handles: dict[int, WorkerHandle] = {}
        self.queue = StartQueue(start.config.workers, clock)
        self.failures = Restarts(status, limits.max_restarts, events)
        self.heartbeat = HeartbeatMonitor(status, limits.heartbeat_seconds, clock)
        self.states = StateCollector(status, start, self.handles, clock)
        for number, state in enumerate(start.workers):
            if is_too_long(state):
                events.add("episode begun anew", number, f"the one before has more than {MOST_ROWS:,} steps (or "
                           f"{MOST_NUMBERS:,} numbers of actions), too many to be played again")

    @property
    def processes(self) -> list[WorkerProcess]:
        """Return the processes of all workers that were started and not replaced."""
        return [handle.process for handle in self.handles.values()]

    @property
    def restarts(self) -> int:
        """Return the number of restarts so far."""
        return self.failures.count

    @property
    def alive(self) -> int:
        """Return the number of running workers."""
        return sum(handle.alive for handle in self.handles.values())

    def poll(self, seconds: float) -> bool:
        """Start pending workers, wait for messages, replace dead workers.

        Return False when the run is over and all workers have exited.  Raises WorkerDied.
        """
        self._start_pending()
        self._wait(seconds)
        self.heartbeat.check(self.handles)
        if any(handle.exit_unreported for handle in self.handles.values()):
            self.events.add("server killed")                             # it no longer reports exits
            worker_server.kill_server()
            for handle in self.handles.values():
                handle.restart_silence()
        for number, handle in list(self.handles.items()):
            if not handle.alive and not self._is_over():
                self._replace(number, handle)
        if not self.queue.ready():
            self.failures.all_started()
        return not self._is_over() or self.alive > 0

    def _is_over(self) -> bool:
        return self.status.stopping or self.status.shared.global_step() >= self.start_point.config.total_steps

    def _start_pending(self) -> None:
        """Start one worker until its first update has filled the kernel cache, then the others one after the other.

        Return after START_SLICE, so that signals are handled; the next polls start the rest.
        """
        alone = not self.status.updates.any()
        ready = len(self.queue.ready())
        free = min(ready, 1 - len(self.handles)) if alone else ready     # first find out why the failed worker died
        until = self.clock() + START_SLICE
        for _ in range(free):
            if self._is_over() or self.clock() > until or not self._start(self.queue.take()):
                return

    def _start(self, number: int) -> bool:
        """Start a worker.  Return False if that failed, but is to be tried again; else raises WorkerDied."""
        state = self.states.restored.get(number)
        if state is None:
            self.streams += 1                                            # never used before; stream 0 drew theta
        seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))
        self.status.heartbeats[number] = 0
        try:
            self.handles[number] = self.start_worker(number, self.start_point.config, self.status, seed, state)
            self.failures.refused_starts = 0
            return True
        except InterruptedError:                                         # by a signal, which is handled first
            self.queue.add(number)
        except WorkerStartError as error:
            self.queue.add(number)
            how = f"could not be started: {error}"
            if error.server:                                             # the next start makes another one
                self.failures.lose(error.server, "replaced", number, how)
            else:
                self.failures.refuse(number, how, self.alive)
                self._postpone(number, how, error.refused)
        return False

    def _postpone(self, number: int, how: str, cause: int | None, worked: bool = False) -> None:
        """Train with the others, if there are some, and start this worker later."""
        if self.alive:
            how = f"{how}; training continues with {self.alive}, and tries again in {self.queue.postpone():g} s"
            self.failures.postpone(number, how, cause, worked)

    def _wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for a message or an exit, then receive all messages."""
        handles = list(self.handles.values())
        wait([handle.reader for handle in handles if not handle.reader.closed]
             + [handle.process.sentinel for handle in handles if handle.alive], seconds)
        for handle in handles:
            handle.receive()

    def _replace(self, number: int, handle: WorkerHandle) -> None:
        """Log a death and schedule a restart.  Raises WorkerDied if a restart is useless."""
        handle.receive()                                                 # its last messages
        self.failures.note_exit(number, handle)
        self.queue.add(number)
        if handle.lost_with_server and handle.process.server:
            self._lose(handle.process.server)
        else:
            self._restart(number, handle)
        handle.reader.close()
        del self.handles[number]
        self.states.restored.pop(number, None)                           # perhaps the state caused the failure

    def _lose(self, server: Server) -> None:
        """Log the loss of a server with its workers.  Raises WorkerDied if it is the third in a row."""
        how = server.ending()                                            # waits until all of its sockets are closed
        lost = sum(handle.process.server is server for handle in self.handles.values())
        self.failures.lose(server, "server lost", None, f"{how}, and its {lost} worker{'s' * (lost > 1)} with it")

    def _restart(self, number: int, handle: WorkerHandle) -> None:
        """Log a worker's death.  Raises WorkerDied if a restart is useless."""
        cause, in_a_row = handle.exhausted, self.failures.in_a_row(handle)
        said = f": {advice(cause)}" if cause else ""
        story = f"worker {number} {handle.ending()}{said}\n{handle.explanation()}".strip()
        if not self.alive and (in_a_row or handle.reported is WorkerPhase.FAILED_IN_CONSTRUCTOR):
            raise WorkerDied(story)
        how = handle.ending() + handle.reason() + said
        if self.alive and (cause or in_a_row):
            self._postpone(number, how, cause, bool(self.status.updates[number] > handle.updates))
        else:
            self.failures.restart("replaced", number, how, story)

    def stop(self) -> None:
        """Stop all workers, kill them after STOP_SECONDS, and receive their last states."""
        self.status.stop()
        deadline = self.clock() + STOP_SECONDS
        try:
            while self.clock() < deadline and any(handle.can_receive for handle in self.handles.values()):
                self._wait(0.05)
        finally:                                                         # a second Ctrl-C: kill at once
            self._kill_all()
            for handle in self.handles.values():
                handle.receive()
                if handle.reported is not WorkerPhase.FINISHED:
                    handle.forget_state()

    def _kill_all(self) -> None:
        for handle in self.handles.values():
            handle.process.kill()
        deadline = self.clock() + JOIN_SECONDS
        try:
            for handle in self.handles.values():
                handle.process.join(max(0.0, deadline - self.clock()))
        finally:                                                         # a third one skips the wait
            if self.alive:                                               # killed, but the server does not report it
                worker_server.kill_server()
