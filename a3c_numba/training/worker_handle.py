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
from .message_reader import Inbox
from .worker_status import WorkerStatus

LOST = 255                     # exit code of a process whose server has died; others may choose it, too
UNHEARD = "It did not get as far as to say why: see the traceback above.  " + worker_server.GUARD


class Seat:
    """The process that is on it now, and what is known of it."""

    def __init__(self, process: Any, inbox: Inbox, updates: int) -> None:
        self.process, self.inbox, self.server = process, inbox, worker_server.server()
        self.updates = updates                                           # of this place, before this process had it
        self.beats, self.quiet = 0, 0.0                                  # heartbeats seen, and seconds since the last
        self.killed_after = 0.0                                          # seconds without one, if it was killed
        self.failure = ""                                                # its traceback
        self.unmade = False                                              # it failed before it was a worker
        self.state: dict[str, Any] | None = None                         # the latest that it has sent
        self.finished = False                                            # there will be no later one

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.exitcode is None

    @property
    def heard(self) -> bool:
        """Whether it may still say something; an end is seen here even if the server does not tell of it."""
        return self.alive and not self.inbox.closed

    @property
    def failed(self) -> bool:
        """Whether it ended by its own fault; who sends SIGKILL is somebody else."""
        return self.killed_after > 0 or not (self.lost or self.process.exitcode == -signal.SIGKILL)

    @cached_property
    def lost(self) -> bool:
        """Whether nobody knows how it ended, because its server has; to be asked once it has."""
        return self.process.exitcode == LOST and worker_server.has_ended(self.server)

    def receive(self) -> None:
        """Take in what was said, without waiting for what is still being said."""
        for kind, content in self.inbox.messages():
            if kind in ("state", "last state"):
                self.state, self.finished = content, kind == "last state"
            else:
                self.failure, self.unmade = content, kind == "unmade"
                self.quiet = 0.0                                         # now it closes its environment

    def listen(self, beats: int, passed: float) -> None:
        """Note that ``passed`` more seconds have gone by, and that there have been so many heartbeats by now."""
        self.quiet = self.quiet + passed if beats == self.beats else 0.0
        self.beats = beats

    def kill(self) -> None:
        """End it by force, because it has been quiet for so long."""
        self.killed_after = self.quiet
        self.process.kill()

    @property
    def overdue(self) -> bool:
        """Whether it was killed, and for as long again nobody has said that it is gone."""
        return self.alive and 0 < 2 * self.killed_after < self.quiet

    def ending(self) -> str:
        """How it ended, in a few words."""
        code = self.process.exitcode
        if self.killed_after:
            what = "failed, hung in close" if self.failure else "made no step"
            return f"{what} for {self.killed_after:g} s and was killed"
        if self.lost:
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


def started(number: int, config: Config, status: WorkerStatus, seed: np.random.SeedSequence, state: Any) -> Seat:
    """A seat for a process that begins to work.  Raises what ``worker_server.starting`` does, within which it is
    called."""
    context = worker_server.context()
    ours, theirs = context.Pipe(duplex=False)
    arguments = (dict(os.environ), number, pickle.dumps(config), status, seed, state, theirs)
    process = context.Process(target=_work, args=arguments, daemon=True)
    try:
        process.start()
    finally:
        theirs.close()
    return Seat(process, Inbox(ours), int(status.updates[number]))


def _work(environ: dict[str, str], number: int, config: bytes, *arguments: Any) -> None:
    """A worker process."""
    worker_server.become_worker(environ)
    try:
        read = pickle.loads(config)
    except Exception:
        arguments[-1].send(("unmade", traceback.format_exc()))
        raise SystemExit(1) from None
    worker_process.main(number, read, *arguments)
