"""A worker process as the process that has started it sees it: its id, its exit code, and how to end it."""

import os
import signal
import socket
import weakref
from contextlib import suppress

from .channel import wait
from .exhaustion import advice, number_of_exit
from .fork_server import Server
from .server_process import STATUS
from .signals import signal_name

LOST = 255                     # exit code of a worker whose server has died; a worker may also choose it
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)                        # Windows has one way only


class WorkerProcess:
    """A worker.  ``wait`` accepts it, and returns it once it has exited; ``server`` has forked it, or is None."""

    def __init__(self, pid: int, status: socket.socket, server: Server | None = None) -> None:
        self.pid, self.server, self._lost = pid, server, False
        self._status = status
        self._exitcode: int | None = None
        status.setblocking(False)
        weakref.finalize(self, status.close)

    @property
    def sentinel(self) -> int:
        """Return a descriptor that can be read once the worker has exited."""
        return self._status.fileno()

    def fileno(self) -> int:
        """Return the sentinel."""
        return self.sentinel

    @property
    def exitcode(self) -> int | None:
        """Return None before the exit is seen; then the exit code, or the negative number of a signal."""
        if self._exitcode is None:
            with suppress(BlockingIOError):
                self._exitcode = self._received()
        return self._exitcode

    def _received(self) -> int:
        """Return the exit code.  Raises BlockingIOError if it has not come yet."""
        try:
            said = self._status.recv(STATUS.size, socket.MSG_PEEK)       # so that ``wait`` goes on seeing it
        except ConnectionError:
            said = b""
        if len(said) == STATUS.size:
            return int(STATUS.unpack(said)[0])
        self._lost = True
        return LOST

    @property
    def lost(self) -> bool:
        """True if it exited with the server that it was forked from: then its exit code is unknown."""
        return self.exitcode == LOST and self._lost

    def ending(self) -> str:
        """Return the cause of its exit in a few words."""
        code = self.exitcode
        if self.lost:
            return "was lost with the server that it was forked from"
        if code is not None and code < 0:
            return f"was ended by {signal_name(-code)}"
        if number := number_of_exit(code):
            return f"could not start: {os.strerror(number)}: {advice(number)}"
        return f"ended with exit code {code}"

    def is_alive(self) -> bool:
        """True until the exit is seen."""
        return self.exitcode is None

    def kill(self) -> None:
        """Kill the worker."""
        self._send(KILL)

    def terminate(self) -> None:
        """Send SIGTERM, which a worker ignores once it runs."""
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        if self.is_alive():
            with suppress(ProcessLookupError):                           # its exit has not been reported yet
                os.kill(self.pid, number)

    def join(self, seconds: float | None = None) -> None:
        """Wait for its exit, at most ``seconds``."""
        if self.is_alive():
            wait([self], seconds)
