"""Start worker processes, and end them with the process that started them.

On Linux they are forked from a server that is started once and has imported what a worker needs (preload.py): a
replacement starts at once, and imported code is in memory once.  On other systems than Linux a worker is a new
interpreter.  Either has the main process's ``sys.path`` before it imports anything, and its copy of this package;
neither imports the main program.

The server is sent requests through a socket; fork_server.py is its end in this process, server_process.py the other.
"""

import atexit
import errno
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Callable

from .channel import socket_pair, wait
from .child_process import WorkerProcess
from .fork_server import ENDING_SECONDS, Server, WorkerStartError, lost, refusal
from .interpreter import start_interpreter
from .server_process import STATUS
from .signals import block_signals, signal_pending
from .worker_request import write_request

FORK_SECONDS = 60.0            # maximum time for a fork
BOOT_SECONDS = 300.0           # until it has forked the first one: before, it imports what they need
HURRY_SECONDS = 0.5            # replaces both once a signal is pending
LOOK_SECONDS = 0.1             # a suspended machine counts for no more
FORKS = sys.platform == "linux"                                          # False: each worker is a new interpreter
_server: Server | None = None
_turn = threading.Lock()       # of threads that start the server


def start(target: Callable[..., None], *arguments: object) -> WorkerProcess:
    """Start a worker process that calls ``target(*arguments)``.

    SharedArrays and Channels among the arguments are the same in the worker.  Raises WorkerStartError, InterruptedError
    if a signal came meanwhile, and what pickling raises.
    """
    if sys.platform == "win32":
        raise WorkerStartError("worker processes need a system with Unix sockets; Windows is not supported: use WSL")
    try:
        file, others = write_request(target, arguments)
    except OSError as error:
        raise refusal(error) from error
    try:
        with block_signals():                                            # the worker unblocks them
            descriptors = [file, *others]
            return _forked(descriptors) if FORKS else _spawned(descriptors)
    finally:
        os.close(file)


def _forked(descriptors: list[int]) -> WorkerProcess:
    """Have the server fork a worker, and wait until it says so."""
    ours, theirs = _status_pair()
    try:
        with theirs:
            server = _requested([theirs.fileno(), *descriptors])
        return WorkerProcess(_answer(server, ours), ours, server)
    except BaseException:
        ours.close()
        raise


def _status_pair() -> tuple[socket.socket, socket.socket]:
    """Return the sockets that a worker's status goes through."""
    try:
        return socket_pair()
    except OSError as error:
        raise refusal(error) from error


def _requested(descriptors: list[int]) -> Server:
    """Send the server a request; return the server.  One that has forked workers and has died is replaced."""
    while True:
        try:
            server = _running_server()
        except OSError as error:
            raise refusal(error) from error
        try:
            server.request(descriptors)
            return server
        except OSError as error:                                         # also if another thread has killed it
            if not isinstance(error, ConnectionError) and not server.exited():
                raise refusal(error) from error
            if not server.answered and not server.killed or not server.exits():
                raise lost(server) from None


def _running_server() -> Server:
    """Return the server, which is started if there is none."""
    global _server
    with _turn:
        if _server is not None and _server.exited():
            _server.leave()
            _server = None
        _server = _server or Server()
        return _server


def _answer(server: Server, status: socket.socket) -> int:
    """Return the id of the worker that the server has forked.

    Kill an unresponsive server.  If a signal is pending and it has other workers, leave it running so they can stop
    cleanly; without other workers kill it, or it could fork an orphan.
    """
    left = FORK_SECONDS if server.answered else BOOT_SECONDS
    while not wait([status], LOOK_SECONDS):
        left = (min(left, HURRY_SECONDS) if signal_pending() else left) - LOOK_SECONDS
        if left <= 0:
            if not server.answered or not signal_pending():
                server.kill()
            if signal_pending():
                raise InterruptedError
            raise WorkerStartError("the server that workers are forked from does not answer", server=server)
    try:
        said = status.recv(STATUS.size)
    except ConnectionError:
        said = b""
    if not said and not server.exits():                                  # it was sent fewer descriptors than it needs
        raise refusal(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
    if not said:
        raise lost(server)
    pid = int(STATUS.unpack(said)[0])
    if pid < 0:
        raise refusal(OSError(-pid, os.strerror(-pid)))
    server.answered = True
    return pid


def _spawned(descriptors: list[int]) -> WorkerProcess:
    """Start a new interpreter as a worker; a thread waits for its exit."""
    ours, theirs = _status_pair()
    try:
        process = start_interpreter(f"run_worker({descriptors})", descriptors)
    except OSError as error:
        ours.close()
        theirs.close()
        raise refusal(error) from error
    threading.Thread(target=_report_exit, args=(process, theirs), daemon=True).start()
    return WorkerProcess(process.pid, ours)


def _report_exit(process: "subprocess.Popen[bytes]", end: socket.socket) -> None:
    with end, suppress(OSError):
        end.send(STATUS.pack(process.wait()))


def end(processes: list[WorkerProcess]) -> None:
    """Kill these workers and wait until they are gone; kill a server that does not report it."""
    for process in processes:
        process.kill()
    deadline = time.monotonic() + ENDING_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    if any(process.is_alive() for process in processes):
        kill_server()


def _leave_server() -> None:
    """In a fork of this process, release the server, so that it sees this process end; a fork starts its own."""
    global _server, _turn
    if _server is not None:
        _server.leave()
        _server.process.returncode = 0                                   # not this process's child
    _server, _turn = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_server)


@atexit.register
def kill_server() -> None:
    """Kill the server and its workers; the next start of a worker makes a new server."""
    global _server
    with _turn:                                                          # no other thread starts one meanwhile
        server, _server = _server, None
    if server is not None:
        server.kill()


def server() -> int | None:
    """Return the process id of the server, or None."""
    return _server.process.pid if _server else None
