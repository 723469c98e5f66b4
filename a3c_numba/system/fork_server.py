"""The server that workers are forked from, as the process that has started it sees it."""

import socket
import subprocess
import threading
from contextlib import suppress

from .channel import socket_pair
from .child_process import signal_name
from .interpreter import start_interpreter
from .server_process import REASON_BYTES

PRELOAD = "a3c_numba.training.preload"
ENDING_SECONDS = 1.0           # a dead process closes its files first, and is known to be dead a little later


class WorkerStartError(OSError):
    """A worker could not be started; one line says why.

    Attributes:
        refused: True if the system refused the process, so that it may grant it later; False if the server died.
    """

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


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

    def request(self, descriptors: list[int]) -> None:
        """Send a request: the descriptors of the worker's status and of what ``write_request`` returns."""
        socket.send_fds(self.control, [bytes([len(descriptors)])], descriptors)

    def exited(self) -> bool:
        """True if it has exited."""
        return self.process.poll() is not None

    def leave(self) -> None:
        """Close this process's end of the socket; the server ends when no process has one."""
        self.control.close()

    def kill(self) -> None:
        """Kill it, and its workers with it."""
        self.leave()
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING_SECONDS)

    def ending(self) -> str:
        """Return the cause of its exit in one line."""
        try:
            code = self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return "has no descriptor left (see ulimit -n)"
        if code < 0:
            return f"was ended by {signal_name(-code)}"
        with suppress(OSError):
            self.control.setblocking(False)
            if said := self.control.recv(REASON_BYTES):
                return f"could not import what workers need: {said.decode(errors='replace')}"
        return f"ended with exit code {code}"


def refusal(error: OSError) -> WorkerStartError:
    """Return the error for a process that the system has refused, with the limits that may be the reason."""
    return WorkerStartError(f"the system refused a process: {error.strerror or error}: use fewer workers, or raise the "
                            "limits of processes, memory and descriptors (ulimit -u, -v, -n; a container's)", True)
