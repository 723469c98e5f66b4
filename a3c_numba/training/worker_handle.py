"""One worker process as the main process sees it: the process, its pipe and its heartbeat."""

import os
import pickle
import signal
import traceback
from functools import cached_property
from typing import Any

import numpy as np

from ..config import Config
from ..system import worker_server
from . import worker_process
from .message_reader import MessageReader
from .worker_status import WorkerStatus

LOST = 255                     # exit code of a process whose server has died; a process may also choose it
UNHEARD = "The worker exited before reporting its error; see its traceback above.  " + worker_server.MAIN_GUARD_HINT


class WorkerHandle:
    """One worker process and its status."""

    def __init__(self, process: Any, reader: MessageReader, updates: int) -> None:
        self.process, self.reader, self.server = process, reader, worker_server.server()
        self.updates = updates                                           # of this worker number, before this process
        self.beats, self.seconds_since_heartbeat = 0, 0.0                # heartbeats seen, and seconds since the last
        self.killed_after_seconds = 0.0                                  # seconds without a heartbeat, if it was killed
        self.failure = ""                                                # its traceback
        self.failed_in_constructor = False                               # it failed in the worker's constructor
        self.state: dict[str, Any] | None = None                         # the latest state received
        self.finished = False                                            # that was its last state

    @property
    def alive(self) -> bool:
        """True if the process runs."""
        return self.process.exitcode is None

    @property
    def can_receive(self) -> bool:
        """True while the worker can still send messages; a closed pipe counts as an exit even if it is not reported."""
        return self.alive and not self.reader.closed

    @property
    def failed(self) -> bool:
        """True if the worker failed by itself; a SIGKILL comes from outside."""
        return self.killed_after_seconds > 0 or not (self.lost_with_server or self.process.exitcode == -signal.SIGKILL)

    @cached_property
    def lost_with_server(self) -> bool:
        """True if the worker exited with its server, so that its exit code is unknown; valid after the exit."""
        return self.process.exitcode == LOST and worker_server.has_exited(self.server)

    def receive(self) -> None:
        """Process the messages received so far, without blocking."""
        for kind, content in self.reader.messages():
            if kind in ("state", "last state"):
                self.state, self.finished = content, kind == "last state"
            else:
                self.failure, self.failed_in_constructor = content, kind == "unmade"
                self.seconds_since_heartbeat = 0.0                       # from now on it closes its environment

    def listen(self, beats: int, passed: float) -> None:
        """Record that ``passed`` more seconds have gone by, and the number of heartbeats so far."""
        self.seconds_since_heartbeat = self.seconds_since_heartbeat + passed if beats == self.beats else 0.0
        self.beats = beats

    def kill(self) -> None:
        """Kill the worker for its missing heartbeats."""
        self.killed_after_seconds = self.seconds_since_heartbeat
        self.process.kill()

    @property
    def exit_unreported(self) -> bool:
        """True if the worker was killed and its exit has not been reported within another timeout."""
        return self.alive and 0 < 2 * self.killed_after_seconds < self.seconds_since_heartbeat

    def ending(self) -> str:
        """Return the cause of the exit in a few words."""
        code = self.process.exitcode
        if self.killed_after_seconds:
            what = "failed, hung in close" if self.failure else "made no step"
            return f"{what} for {self.killed_after_seconds:g} s and was killed"
        if self.lost_with_server:
            return "was lost with the server that it was forked from"
        if code < 0:
            return f"was ended by {_name_of(-code)}"
        return f"died with exit code {code}" if code else "ended before the run did"

    def explanation(self) -> str:
        """Return its traceback, or a hint if it exited without one before its first heartbeat."""
        return self.failure or UNHEARD * (not self.beats)

    def reason(self) -> str:
        """Return a colon and the last line of its traceback; "" if there is none."""
        lines = self.failure.strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:                                                   # a real-time signal
        return f"signal {number}"


def start_worker(number: int, config: Config, status: WorkerStatus, seed: np.random.SeedSequence,
                 state: Any) -> WorkerHandle:
    """Start a worker and return its handle.  Raises what ``worker_server.forking_from_server`` does, within which
    it is called."""
    context = worker_server.context()
    ours, theirs = context.Pipe(duplex=False)
    arguments = (dict(os.environ), number, pickle.dumps(config), status, seed, state, theirs)
    process = context.Process(target=_work, args=arguments, daemon=True)
    try:
        process.start()
    finally:
        theirs.close()
    return WorkerHandle(process, MessageReader(ours), int(status.updates[number]))


def _work(environ: dict[str, str], number: int, config: bytes, *arguments: Any) -> None:
    """Run a worker process."""
    worker_server.init_worker_process(environ)
    try:
        read = pickle.loads(config)
    except Exception:
        arguments[-1].send(("unmade", traceback.format_exc()))
        raise SystemExit(1) from None
    worker_process.main(number, read, *arguments)
