"""Workers that are no processes, and a supervisor that is handed them and a clock of its own."""

import signal
import time
from multiprocessing import Pipe

from a3c_numba.core.shared import Shared
from a3c_numba.runs.event_log import EventLog
from a3c_numba.training.limits import Limits
from a3c_numba.training.supervisor import Supervisor
from a3c_numba.training.trainer import initial_checkpoint
from a3c_numba.training.worker_handle import WorkerHandle
from a3c_numba.training.worker_status import WorkerStatus


class Clock:
    """Stands still until it is moved on."""

    now = 1000.0

    def __call__(self):
        return self.now


class Process:
    """None at all; it ends when it is killed, unless its exit is not reported."""

    def __init__(self, reported=True):
        self.exitcode, self.killed, self.reported, self.lost, self.server = None, False, reported, False, None
        self.sentinel, self._other_end = Pipe(duplex=False)              # is never ready

    def kill(self):
        self.killed = True
        if self.reported:
            self.exitcode = -signal.SIGKILL

    def join(self, seconds=None):
        pass


class LostServer:
    """A server that has died."""

    def ending(self):
        return "was ended by SIGKILL"

    def killed_by(self, number):
        return number == signal.SIGKILL


class Reader:
    """Reads the messages that a test puts into ``said``; ``at_read`` is called each time."""

    def __init__(self, said=(), closed=True, at_read=lambda: None):
        self.said, self.closed, self.at_read = list(said), closed, at_read
        self._pipe, self._other_end = Pipe(duplex=False)                 # is never ready

    def fileno(self):
        return self._pipe.fileno()

    def messages(self):
        self.at_read()
        said, self.said = self.said, []
        return said

    def close(self):
        self.closed = True


def handle(process=None, reader=None):
    """The handle of a worker whose number has made no update before."""
    return WorkerHandle(process or Process(), reader or Reader(), 0)


def supervisor_of(start, start_worker, clock=time.monotonic, limits=Limits()):
    """The supervisor of a run from a checkpoint."""
    workers = start.config.workers
    status = WorkerStatus(Shared(len(start.theta), workers), workers)
    return Supervisor(status, start, limits, EventLog(), clock, start_worker)


class Crew:
    """A supervisor and its workers.  Each has made an update, and steps every ``step`` seconds unless it hangs.

    Time goes by while the supervisor waits for messages: ``wait_seconds`` each time, by ``while_waiting``.
    """

    def __init__(self, config, limits=Limits(), step=0.01, hanging=(), process=Process, closed=True):
        self.clock, self.awake = Clock(), Clock.now
        self.step, self.hanging, self.make_process, self.closed = step, hanging, process, closed
        self.processes, self.readers, self.seeds = [], [], []            # of all workers that were started
        self.wait_seconds, self.while_waiting = 0.0, self.work
        self.supervisor = supervisor_of(initial_checkpoint(config), self.start_worker, self.clock, limits)
        self.supervisor.status.updates[:] = 1                            # or they would be started one by one
        self.look(0.0)

    def start_worker(self, number, config, status, seed, state):
        waits = (lambda: self.while_waiting(self.wait_seconds)) if not self.processes else (lambda: None)
        self.processes.append(self.make_process())
        self.readers.append(Reader(closed=self.closed, at_read=waits))
        self.seeds.append(seed)
        return handle(self.processes[-1], self.readers[-1])

    @property
    def now(self):
        return self.clock.now

    def pause(self, seconds):
        """Time goes by, and all stand still."""
        self.clock.now += seconds

    def work(self, seconds):
        """Time goes by, and the workers work."""
        self.pause(seconds)
        self.awake += seconds
        for number in range(len(self.supervisor.status.heartbeats)):
            if number not in self.hanging:
                self.supervisor.status.heartbeats[number] = int(self.awake / self.step)

    def look(self, seconds=0.1):
        self.wait_seconds = seconds
        return self.supervisor.poll(0.0)

    @property
    def killed(self):
        return [number for number, process in enumerate(self.processes) if process.killed]
