"""The server that workers are forked from, as the process that has started it sees it."""

import errno
import socket
import subprocess
import threading
from contextlib import suppress

from .channel import socket_pair
from .exhaustion import advice
from .interpreter import start_interpreter
from .server_process import REASON_BYTES
from .signals import signal_name

PRELOAD = "a3c_numba.training.preload"
ENDING_SECONDS = 1.0           # a dead process closes its files first, and is known to be dead a little later


class WorkerStartError(OSError):
    """A worker could not be started; one line says why.

    Attributes:
        refused: the error number if the system refused the process, so that it may grant it later; else 0.
        server: the server that died before it had forked the worker, or None.
    """

    def __init__(self, reason: str, refused: int = 0, server: "Server | None" = None) -> None:
        super().__init__(reason)
        self.refused, self.server = refused, server


class Server:
    """The server of this process.  Raises OSError if it cannot be started."""

    def __init__(self) -> None:
        self.control, theirs = socket_pair()
        try:
            main_thread = threading.current_thread() is threading.main_thread()
            call = f"serve({theirs.fileno()}, {PRELOAD!r}, {main_thread})"
            self.process = start_interpreter(call, [theirs.fileno()])
        except BaseException:
            self.control.close()
            raise
        finally:
            theirs.close()
        self.answered = False                                            # True once it has forked a worker
        self.killed = False                                              # by this process

    def request(self, descriptors: list[int]) -> None:
        """Send a request: the descriptors of the worker's status and of what ``write_request`` returns."""
        socket.send_fds(self.control, [bytes([len(descriptors)])], descriptors)

    def exited(self) -> bool:
        """True if it has exited, or was killed."""
        return self.killed or self.process.poll() is not None

    def exits(self) -> bool:
        """True if it exits within ENDING_SECONDS."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING_SECONDS)
        return self.exited()

    def leave(self) -> None:
        """Close this process's end of the socket; the server ends when no process has one."""
        self.control.close()

    def kill(self) -> None:
        """Kill it, and its workers with it."""
        self.killed = True
        self.leave()
        self.process.kill()
        self.exits()

    def killed_by(self, number: int) -> bool:
        """True if it was ended by this signal."""
        return self.exits() and self.process.returncode == -number

    def ending(self) -> str:
        """Return the cause of its exit in one line."""
        self.exits()
        code = self.process.returncode
        if code is None:
            return "was killed" if self.killed else "does not answer"
        if code < 0:
            return f"was ended by {signal_name(-code)}"
        with suppress(OSError):
            self.control.setblocking(False)
            if said := self.control.recv(REASON_BYTES):
                return f"could not import what workers need: {said.decode(errors='replace')}"
        return f"ended with exit code {code}"


def refusal(error: OSError) -> WorkerStartError:
    """Return the error for a process that the system has refused, with the limit that may be the reason."""
    return WorkerStartError(f"the system refused a process: {error.strerror or error}: {advice(error.errno)}",
                            error.errno or errno.EAGAIN)


def lost(server: Server) -> WorkerStartError:
    """Return the error for a server that has died before it forked the worker."""
    return WorkerStartError(f"the server that workers are forked from {server.ending()}", server=server)
