"""One worker process as the main process sees it: the process, its pipe, its heartbeat, and the phase that it is in."""

import os
import signal
import traceback
from enum import Enum
from typing import Callable

import numpy as np

from ..config import Config
from ..envs.registry import pack, unpack
from ..runs.checkpoint import WorkerState
from ..system import worker_server
from ..system.channel import Channel
from ..system.child_process import WorkerProcess
from ..system.exhaustion import exhausted, number_of_exit
from ..system.fork_server import refusal
from ..system.signals import signal_name
from . import worker_process
from .message_reader import MessageReader
from .worker_status import WorkerStatus

UNHEARD = "The worker exited before reporting an error; see its output above."


class WorkerPhase(Enum):
    """The phases of a worker's life.  It reports the first five by itself, and may be killed in each of them."""

    STARTING = "no heartbeat yet: it is forked, compiles, makes and resets its environment"
    RUNNING = "its environment returns from steps and resets"
    FINISHED = "it has sent its last state, and closes its environment"
    FAILED = "it has sent a traceback, and closes its environment"
    FAILED_IN_CONSTRUCTOR = "it has sent a traceback, and never had an environment"
    KILLED = "the supervisor has killed it; its exit has not been seen yet"
    EXITED = "its exit has been seen"


PHASE_OF_MESSAGE = {"state": WorkerPhase.RUNNING, "last state": WorkerPhase.FINISHED, "error": WorkerPhase.FAILED,
                    "unmade": WorkerPhase.FAILED_IN_CONSTRUCTOR}
FAILURES = (WorkerPhase.FAILED, WorkerPhase.FAILED_IN_CONSTRUCTOR)


class WorkerHandle:
    """One worker process and its status.

    Attributes:
        reported: the phase that the worker itself has reported, by heartbeats and messages; also after its exit.
        updates: number of updates of this worker number before this process.
        seconds_since_heartbeat: as the heartbeat monitor counts them.
        killed_after_seconds: seconds without a heartbeat at which it was killed; 0 if it was not.
        failure: its traceback, or "".
        exhausted: number of the error if it failed because processes, memory or descriptors ran out; else None.
        state: the latest state received since the last request, or None.
    """

    def __init__(self, process: WorkerProcess, reader: MessageReader, updates: int) -> None:
        self.process, self.reader = process, reader
        self.updates = updates
        self.reported = WorkerPhase.STARTING
        self.heartbeats, self.seconds_since_heartbeat = 0, 0.0
        self.killed_after_seconds = 0.0
        self.failure = ""
        self.exhausted: int | None = None
        self.state: WorkerState | None = None

    @property
    def phase(self) -> WorkerPhase:
        """Return the phase that the worker is in now."""
        if self.process.exitcode is not None:
            return WorkerPhase.EXITED
        return WorkerPhase.KILLED if self.killed_after_seconds else self.reported

    @property
    def alive(self) -> bool:
        """True until the process's exit is seen."""
        return self.phase is not WorkerPhase.EXITED

    @property
    def can_receive(self) -> bool:
        """True while the worker can still send messages; a closed pipe counts as an exit even if it is not reported."""
        return self.alive and not self.reader.closed

    @property
    def failed(self) -> bool:
        """True if the worker failed by itself, or ran out of something; another SIGKILL comes from outside."""
        if self.exhausted or self.killed_after_seconds:
            return True
        return not (self.lost_with_server or self.process.exitcode == -signal.SIGKILL)

    @property
    def lost_with_server(self) -> bool:
        """True if the worker exited with its server, so that its exit code is unknown; valid after the exit."""
        return bool(self.process.lost) and not self.killed_after_seconds

    def receive(self) -> None:
        """Process the messages received so far, without blocking."""
        for kind, content in self.reader.messages():
            if kind == "exhausted":
                self.run_out(content)
                continue
            self.reported = PHASE_OF_MESSAGE[kind]
            if self.reported in FAILURES:
                self.failure = content
                self.restart_silence()                                   # from now on it closes its environment
            else:
                self.state = content

    def listen(self, heartbeats: int, passed: float) -> None:
        """Record that ``passed`` more seconds have gone by, and the number of heartbeats so far."""
        if heartbeats == self.heartbeats:
            self.seconds_since_heartbeat += passed
            return
        self.heartbeats = heartbeats
        self.restart_silence()
        if self.reported is WorkerPhase.STARTING:
            self.reported = WorkerPhase.RUNNING

    def restart_silence(self) -> None:
        """Count the seconds since the last heartbeat from now on."""
        self.seconds_since_heartbeat = 0.0

    def kill(self) -> None:
        """Kill the worker for its missing heartbeats."""
        self.killed_after_seconds = self.seconds_since_heartbeat
        self.process.kill()

    def run_out(self, number: int | None) -> None:
        """Record the number of the error with which processes, memory or descriptors ran out."""
        self.exhausted = number or self.exhausted

    @property
    def exit_unreported(self) -> bool:
        """True if the worker was killed and its exit has not been reported within another timeout."""
        overdue = 0 < 2 * self.killed_after_seconds < self.seconds_since_heartbeat
        return overdue and self.phase is WorkerPhase.KILLED

    def forget_state(self) -> None:
        """Forget the latest state: it is out of date."""
        self.state = None

    def ending(self) -> str:
        """Return the cause of the exit in a few words."""
        code = self.process.exitcode
        if self.killed_after_seconds:
            what = "failed, hung in close" if self.failure else "made no step"
            return f"{what} for {self.killed_after_seconds:g} s and was killed"
        if self.lost_with_server:
            return "was lost with the server that it was forked from"
        assert code is not None
        if code < 0:
            return f"was ended by {signal_name(-code)}"
        if self.reported is WorkerPhase.STARTING and (number := number_of_exit(code)):
            return f"could not start: {os.strerror(number)}"
        return f"died with exit code {code}" if code else "ended before the run did"

    def explanation(self) -> str:
        """Return its traceback, or a hint if it exited without one before its first heartbeat."""
        if self.failure or self.reported is not WorkerPhase.STARTING:
            return self.failure
        return UNHEARD if number_of_exit(self.process.exitcode) is None else ""

    def reason(self) -> str:
        """Return a colon and the last line of its traceback; "" if there is none."""
        lines = self.failure.strip().splitlines()
        return f": {lines[-1]}" if lines else ""


StartWorker = Callable[[int, Config, WorkerStatus, np.random.SeedSequence, WorkerState | None], WorkerHandle]


def start_worker(number: int, config: Config, status: WorkerStatus, seed: np.random.SeedSequence,
                 state: WorkerState | None) -> WorkerHandle:
    """Start a worker and return its handle.  Raises what ``worker_server.start`` does."""
    try:
        ours, theirs = Channel.pair()
    except OSError as error:                                             # no descriptor is free
        raise refusal(error) from error
    try:
        process = worker_server.start(_work, number, pack(config), status, seed, state, theirs)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return WorkerHandle(process, MessageReader(ours), int(status.updates[number]))


def _work(number: int, config: bytes, status: WorkerStatus, seed: np.random.SeedSequence, state: WorkerState | None,
          pipe: Channel) -> None:
    """Run a worker process."""
    try:
        read = unpack(config)
    except BaseException as error:                                       # also SystemExit of a module it imports
        pipe.send(("exhausted", exhausted(error)))
        pipe.send(("unmade", traceback.format_exc()))
        raise SystemExit(1) from None
    worker_process.main(number, read, status, seed, state, pipe)
