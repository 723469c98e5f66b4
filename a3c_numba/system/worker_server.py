"""Start worker processes, and end them with the process that started them.

On Linux they are forked from a server that is started once and has imported what a worker needs (preload.py): a
replacement starts at once, and imported code is in memory once.  The server is this package's own: the program's other
processes are not forked from it.  On other systems than Linux workers are spawned.
"""

import atexit
import ctypes
import os
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from multiprocessing import connection, current_process, forkserver, get_context, util
from typing import Any, Iterator

from .signals import block_signals, ignore_signals_in_worker, signal_pending

PRELOAD = ["a3c_numba.training.preload"]
PR_SET_PDEATHSIG = 1           # of Linux's prctl
PATH_BYTES = 107 - len("/listener-XXXXXXXX")    # of a socket's folder
FORK_SECONDS = 60.0            # maximum time for a fork
BOOT_SECONDS = 300.0           # until it has forked the first one: before, it imports what they need
HURRY_SECONDS = 0.5            # replaces both once a signal is pending
ENDING_SECONDS = 0.1           # a dead process closes its files first, and is known to be dead a little later
LOOK_SECONDS = 0.1             # a suspended machine counts for no more
LINUX = sys.platform == "linux"
MAIN_GUARD_HINT = ("Workers import the program that started them: it has to be a file, with its main part under "
                   "if __name__ == '__main__'.")
_server: Any = forkserver.ForkServer() if LINUX else None
_turn = threading.Lock()       # of threads that start workers
_answered: int | None = None   # the server that has forked one


def context() -> Any:
    """Return the multiprocessing context for workers and their pipes.

    Raises ValueError in a daemonic process, OSError if the path of the server's socket would be too long.
    """
    if current_process().daemon:
        raise ValueError("a daemonic process cannot start workers: make it with Process(..., daemon=False)")
    if LINUX and len(os.fsencode(util.get_temp_dir())) > PATH_BYTES:
        raise OSError(f"{tempfile.gettempdir()}: too long a path for a socket: point TMPDIR at a shorter one")
    return get_context("forkserver" if LINUX else "spawn")


@contextmanager
def forking_from_server() -> Iterator[None]:
    """Fork the processes that this thread starts in the block from this package's server.

    SIGNALS are masked in them until ``init_worker_process``.

    Raises EOFError or ConnectionError if the server died or did not answer, InterruptedError if a signal came
    meanwhile.
    """
    others: Any = forkserver
    with _turn, block_signals():
        before, own = others.connect_to_new_process, threading.get_ident()
        if LINUX:
            others.connect_to_new_process = lambda files: (_forked if threading.get_ident() == own else before)(files)
        try:
            yield
        finally:
            others.connect_to_new_process = before


def _forked(files: list[int]) -> tuple[int, int]:
    """Fork a process from the server; return the pipes from and to it.

    Kill an unresponsive server.  If a signal is pending and it has other workers, leave it running so they can stop
    cleanly; without other workers kill it, or it could fork an orphan.
    """
    global _answered
    _keep_address()
    _server.set_forkserver_preload(PRELOAD)
    pipes = _server.connect_to_new_process(files)
    left = FORK_SECONDS if _answered == server() else BOOT_SECONDS
    while not connection.wait(pipes[:1], LOOK_SECONDS):
        left = (min(left, HURRY_SECONDS) if signal_pending() else left) - LOOK_SECONDS
        if left <= 0:
            for pipe in pipes:
                os.close(pipe)
            if _answered != server() or not signal_pending():
                kill_server()
            if signal_pending():
                raise InterruptedError
            raise ConnectionError("the server that workers are forked from does not answer")
    _answered = server()
    return pipes


def _keep_address() -> None:
    """Start a new server if a cleaner of temporary folders removed the server's address; its workers stay."""
    global _server
    os.makedirs(util.get_temp_dir(), mode=0o700, exist_ok=True)
    if _server._forkserver_address and not os.path.exists(_server._forkserver_address):
        _server = forkserver.ForkServer()


def _leave_server() -> None:
    """In a fork of this process, release the server, so that it sees this process end; a fork starts its own."""
    global _server, _turn
    if _server._forkserver_alive_fd is not None:
        os.close(_server._forkserver_alive_fd)
    _server, _turn = forkserver.ForkServer(), threading.Lock()


if LINUX:
    os.register_at_fork(after_in_child=_leave_server)


def kill_server() -> None:
    """Kill the server and its workers; the next start of a worker makes a new server."""
    if LINUX and _server._forkserver_pid is not None:
        with suppress(ProcessLookupError):
            os.kill(_server._forkserver_pid, signal.SIGKILL)


@atexit.register
def _leave() -> None:
    kill_server()                                                        # by itself it takes half a second to end
    if LINUX and _server._forkserver_address:
        with suppress(OSError):
            os.makedirs(util.get_temp_dir(), exist_ok=True)              # multiprocessing wants to remove it


def server() -> int | None:
    """Return the process id of the server, or None."""
    return _server._forkserver_pid if LINUX else None


def has_exited(server: int | None) -> bool:
    """True if ``server`` is the id of a server that has exited."""
    if server is None:
        return False
    until = time.monotonic() + ENDING_SECONDS
    try:
        while os.waitid(os.P_PID, server, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
    except ChildProcessError:                                            # another one has taken over
        pass
    return True


def init_worker_process(environ: dict[str, str]) -> None:
    """Initialise a worker: signals, the parent's environment variables, and its exit with the parent.

    Linux kills a worker with its parent, also a hung one.  The parent is the server, which exits once no process holds
    its pipe: so a worker closes its copy.
    """
    ignore_signals_in_worker()
    os.environ.clear()
    os.environ.update(environ)
    if not LINUX:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    inherited: Any = getattr(forkserver, "_forkserver", None)
    if getattr(inherited, "_forkserver_alive_fd", None) is not None:
        os.close(inherited._forkserver_alive_fd)
        inherited._forkserver_alive_fd = None
