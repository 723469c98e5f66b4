"""One worker's place in a run, as the main process sees it: a process, the pipe on which it speaks, its heartbeat."""

import signal
import time
from typing import Any

JOIN_SECONDS = 1.0             # a process that was killed is gone at once, if its server lives to say so
LOST = 255                     # exit code of a process whose server has died


class Seat:
    """The process that is on it now, and what is known of it."""

    def __init__(self, process: Any, pipe: Any, updates: int) -> None:
        self.process, self.pipe = process, pipe
        self.updates = updates                                           # of this place, before this process had it
        self.beats, self.beaten = 0, time.monotonic()                    # heartbeats seen, and when the last one was
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
    def failed(self) -> bool:
        """Whether it ended by its own fault; who sends SIGKILL is somebody else, and 255 is the server's end."""
        return self.silent > 0 or self.process.exitcode not in (-signal.SIGKILL, LOST)

    def receive(self) -> None:
        """Take in what was said."""
        try:
            while not self.pipe.closed and self.pipe.poll():
                kind, content = self.pipe.recv()
                if kind in ("state", "last state"):
                    self.state, self.finished = content, kind == "last state"
                else:
                    self.failure, self.unmade = content, kind == "unmade"
        except (EOFError, OSError):
            self.pipe.close()

    def silence(self, beats: int, now: float) -> float:
        """Seconds since the last heartbeat, of which there have been ``beats``."""
        if beats != self.beats:
            self.beats, self.beaten = beats, now
        return now - self.beaten

    def kill(self, silent: float = 0.0) -> None:
        """End it by force, perhaps because it was silent for that long."""
        self.silent = silent
        self.process.kill()
        self.process.join(JOIN_SECONDS)

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
