"""One worker's place in a run, as the main process sees it: a process, the pipe on which it speaks, its heartbeat."""

import signal
from typing import Any

from .inbox import Inbox

LOST = 255                     # exit code of a process whose server has died


class Seat:
    """The process that is on it now, and what is known of it."""

    def __init__(self, process: Any, inbox: Inbox, updates: int) -> None:
        self.process, self.inbox = process, inbox
        self.updates = updates                                           # of this place, before this process had it
        self.beats, self.quiet = 0, 0.0                                  # heartbeats seen, and seconds since the last
        self.silent = 0.0                                                # seconds without one for which it was killed
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
        """Whether it ended by its own fault; who sends SIGKILL is somebody else, and 255 is the server's end."""
        return self.silent > 0 or self.process.exitcode not in (-signal.SIGKILL, LOST)

    def receive(self) -> None:
        """Take in what was said, without waiting for what is still being said."""
        for kind, content in self.inbox.messages():
            if kind in ("state", "last state"):
                self.state, self.finished = content, kind == "last state"
            else:
                self.failure, self.unmade = content, kind == "unmade"

    def silence(self, beats: int, passed: float) -> float:
        """Seconds since the last heartbeat, of which there have been ``beats``, when ``passed`` more have gone by."""
        self.quiet = self.quiet + passed if beats == self.beats else 0.0
        self.beats = beats
        return self.quiet

    def kill(self) -> None:
        """End it by force, because it has been silent for so long."""
        self.silent = self.quiet
        self.process.kill()

    @property
    def overdue(self) -> bool:
        """Whether it was killed, and for as long again nobody has said that it is gone."""
        return self.alive and 0 < 2 * self.silent < self.quiet

    def ending(self) -> str:
        """How it ended, in a few words."""
        code = self.process.exitcode
        if self.silent:
            return f"made no step for {self.silent:g} s and was killed"
        if code == LOST:
            return "was lost with the server that it was forked from"
        if code < 0:
            return f"was ended by {_name_of(-code)}"
        return f"died with exit code {code}" if code else "ended before the run did"

    def reason(self) -> str:
        """The last line of its traceback, behind a colon; nothing where there is none."""
        lines = self.failure.strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:                                                   # a real-time signal
        return f"signal {number}"
