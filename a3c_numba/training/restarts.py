"""Count what fails in a run: replaced workers, failures in a row, lost servers; end the run if to go on is useless."""

import errno
import signal

from ..runs.event_log import Event, EventLog
from ..system.exhaustion import advice, killed_for_memory, number_of_exit
from ..system.fork_server import Server
from .worker_handle import WorkerHandle, WorkerPhase
from .worker_status import WorkerStatus

MAX_FAILURES = 3               # consecutive ones that end the run: workers before a first update, servers, starts


class WorkerDied(RuntimeError):
    """A worker died and was not replaced; the message has its number, its cause of death and its traceback."""


class Restarts:
    """The failures of a run so far.

    Attributes:
        count: number of restarts: of a worker, or of a server with all of its workers.
        consecutive_failures: number of workers in a row that failed before their first update.
        lost_servers: number of servers lost in a row: none of them could fork all workers and saw them work.
    """

    def __init__(self, status: WorkerStatus, limit: int, events: EventLog) -> None:
        self.status, self.limit, self.events = status, limit, events
        self.count = self.consecutive_failures = self.refused_starts = self.lost_servers = 0
        self._server: Server | None = None                               # the last one that was lost
        self._updates = 0                                                # when it was
        self._killed_for_memory = killed_for_memory()
        self._said: set[int | None] = set()

    def restart(self, kind: str, number: int | None, how: str, story: str = "") -> None:
        """Log and count a restart.  Raises WorkerDied, with ``story`` if there is one, if it is one too many."""
        if self.count >= self.limit:
            raise WorkerDied(story or Event(kind, number, how).sentence)
        self.count += 1
        self.events.add(kind, number, f"{how}; replaced, {self.count} of at most {self.limit}")

    def refuse(self, number: int, how: str, alive: int) -> None:
        """Count a start that was refused.  Raises WorkerDied if no worker is alive and it is the third in a row."""
        self.refused_starts += 1
        if not alive and self.refused_starts >= MAX_FAILURES:
            raise WorkerDied(Event("not started", number, how).sentence)

    def postpone(self, number: int, how: str, cause: int | None, worked: bool = False) -> None:
        """Log that the run continues without a worker; once for each cause, but each time if the worker had worked."""
        if worked or cause not in self._said:
            self.events.add("not started", number, how)
        self._said.add(cause)

    def lose(self, server: Server, kind: str, number: int | None, how: str) -> None:
        """Count a lost server, once, as a restart.  Raises WorkerDied if it is the third in a row."""
        if server is self._server:
            return
        self._server, self._updates = server, int(self.status.updates.sum())
        self.lost_servers += 1
        if server.killed_by(signal.SIGKILL) and self._memory_ran_out():
            how = f"{how}: {advice(errno.ENOMEM)}"
        if self.lost_servers >= MAX_FAILURES:
            raise WorkerDied(Event(kind, number, how).sentence)
        self.restart(kind, number, how)

    def all_started(self) -> None:
        """Begin to count lost servers anew if workers have made updates since."""
        if self.status.updates.sum() > self._updates:
            self.lost_servers = 0

    def note_exit(self, number: int, handle: WorkerHandle) -> None:
        """Count the failures in a row, and find out whether memory ran out."""
        if handle.process.exitcode == -signal.SIGKILL and not handle.killed_after_seconds and self._memory_ran_out():
            handle.run_out(errno.ENOMEM)
        if handle.reported is WorkerPhase.STARTING:
            handle.run_out(number_of_exit(handle.process.exitcode))
        if self.status.updates[number] > handle.updates:
            self.consecutive_failures = 0
        else:
            self.consecutive_failures += handle.failed

    def in_a_row(self, handle: WorkerHandle) -> bool:
        """True if this worker was the third in a row to fail before its first update, or a later one."""
        return handle.failed and self.consecutive_failures >= MAX_FAILURES

    def _memory_ran_out(self) -> bool:
        """True if Linux has killed a process for want of memory since the last call."""
        before, self._killed_for_memory = self._killed_for_memory, killed_for_memory()
        return self._killed_for_memory > before
