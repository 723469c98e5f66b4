"""One worker's place in a run, as the main process sees it: a process, the pipe on which it speaks, its heartbeat."""

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

LOST = 255                     # exit code of a process whose server has died; others may choose it, too
UNHEARD = "It did not get as far as to say why: see the traceback above.  " + worker_server.MAIN_GUARD_HINT


class WorkerHandle:
    """The process that is on it now, and what is known of it."""

    def __init__(self, process: Any, reader: MessageReader, updates: int) -> None:
        self.process, self.reader, self.server = process, reader, worker_server.server()
        self.updates = updates                                           # of this place, before this process had it
        self.beats, self.seconds_since_heartbeat = 0, 0.0                # heartbeats seen, and seconds since the last
        self.killed_after_seconds = 0.0                                  # seconds without one, if it was killed
        self.failure = ""                                                # its traceback
        self.failed_in_constructor = False                               # it failed before it was a worker
        self.state: dict[str, Any] | None = None                         # the latest that it has sent
        self.finished = False                                            # there will be no later one

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.exitcode is None

    @property
    def can_receive(self) -> bool:
        """Whether it may still say something; an end is seen here even if the server does not tell of it."""
        return self.alive and not self.reader.closed

    @property
    def failed(self) -> bool:
        """Whether it ended by its own fault; who sends SIGKILL is somebody else."""
        return self.killed_after_seconds > 0 or not (self.lost_with_server or self.process.exitcode == -signal.SIGKILL)

    @cached_property
    def lost_with_server(self) -> bool:
        """Whether nobody knows how it ended, because its server has; to be asked once it has."""
        return self.process.exitcode == LOST and worker_server.has_exited(self.server)

    def receive(self) -> None:
        """Take in what was said, without waiting for what is still being said."""
        for kind, content in self.reader.messages():
            if kind in ("state", "last state"):
                self.state, self.finished = content, kind == "last state"
            else:
                self.failure, self.failed_in_constructor = content, kind == "unmade"
                self.seconds_since_heartbeat = 0.0                       # now it closes its environment

    def listen(self, beats: int, passed: float) -> None:
        """Note that ``passed`` more seconds have gone by, and that there have been so many heartbeats by now."""
        self.seconds_since_heartbeat = self.seconds_since_heartbeat + passed if beats == self.beats else 0.0
        self.beats = beats

    def kill(self) -> None:
        """End it by force, because it has been quiet for so long."""
        self.killed_after_seconds = self.seconds_since_heartbeat
        self.process.kill()

    @property
    def exit_unreported(self) -> bool:
        """Whether it was killed, and for as long again nobody has said that it is gone."""
        return self.alive and 0 < 2 * self.killed_after_seconds < self.seconds_since_heartbeat

    def ending(self) -> str:
        """How it ended, in a few words."""
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
        """What it sent, or where it never worked and sent none, what that may come of."""
        return self.failure or UNHEARD * (not self.beats)

    def reason(self) -> str:
        """The last line of its traceback, behind a colon; nothing where there is none."""
        lines = self.failure.strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:                                                   # a real-time signal
        return f"signal {number}"


def start_worker(number: int, config: Config, status: WorkerStatus, seed: np.random.SeedSequence,
                 state: Any) -> WorkerHandle:
    """A seat for a process that begins to work.  Raises what ``worker_server.forking_from_server`` does, within which
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
    """A worker process."""
    worker_server.init_worker_process(environ)
    try:
        read = pickle.loads(config)
    except Exception:
        arguments[-1].send(("unmade", traceback.format_exc()))
        raise SystemExit(1) from None
    worker_process.main(number, read, *arguments)
