"""How workers come to be processes, and how they end when nobody is left to work for.

On Linux they are forked from a server that is started once and has imported what a worker needs (preload.py): a
replacement is there at once, and what was imported lies in memory once.  The server is this package's own: the
program's other processes do not come from it.  Elsewhere than on Linux workers are spawned.
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
FORK_SECONDS = 60.0            # until the server has forked a worker
BOOT_SECONDS = 300.0           # until it has forked the first one: before, it imports what they need
HURRY_SECONDS = 0.5            # both, from a signal on that waits for it
ENDING_SECONDS = 0.1           # a dead process closes its files first, and is known to be dead a little later
LOOK_SECONDS = 0.1             # a machine that stood still counts for no more
LINUX = sys.platform == "linux"
MAIN_GUARD_HINT = ("Workers import the program that started them: it has to be a file, with its main part under "
                   "if __name__ == '__main__'.")
_server: Any = forkserver.ForkServer() if LINUX else None
_turn = threading.Lock()       # of threads that start workers
_answered: int | None = None   # the server that has forked one


def context() -> Any:
    """What makes processes and pipes.

    Raises ValueError in a process that may have none, OSError where the server's socket would have too long a path.
    """
    if current_process().daemon:
        raise ValueError("a daemonic process cannot start workers: make it with Process(..., daemon=False)")
    if LINUX and len(os.fsencode(util.get_temp_dir())) > PATH_BYTES:
        raise OSError(f"{tempfile.gettempdir()}: too long a path for a socket: point TMPDIR at a shorter one")
    return get_context("forkserver" if LINUX else "spawn")


@contextmanager
def forking_from_server() -> Iterator[None]:
    """What this thread starts in the block is forked by this package's server, SIGNALS masked until
    ``init_worker_process``.

    Raises EOFError or ConnectionError where the server died or did not answer, InterruptedError where a signal came
    while it did not.
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
    """A new process of the server, as the pipes from and to it.

    A server that stands still is ended.  For a signal it is only left alone: its other workers may end in order.  One
    without others is ended then too, or it would still fork a worker, which nobody tells what to do.
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
    """Who cleans temporary folders may have removed the server's address: its workers stay, another one takes over."""
    global _server
    os.makedirs(util.get_temp_dir(), mode=0o700, exist_ok=True)
    if _server._forkserver_address and not os.path.exists(_server._forkserver_address):
        _server = forkserver.ForkServer()


def _leave_server() -> None:
    """A fork of this process must not conceal its end from the server; if it wants workers it starts its own."""
    global _server, _turn
    if _server._forkserver_alive_fd is not None:
        os.close(_server._forkserver_alive_fd)
    _server, _turn = forkserver.ForkServer(), threading.Lock()


if LINUX:
    os.register_at_fork(after_in_child=_leave_server)


def kill_server() -> None:
    """End the server, which does not answer or is not needed any more, and its workers; a start makes another one."""
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
    """Process id of the server, if there is one."""
    return _server._forkserver_pid if LINUX else None


def has_exited(server: int | None) -> bool:
    """Whether that was a server that lives no more."""
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
    """A worker's first act: signals, the environment variables of who started it, and an end when that process ends.

    Linux kills a worker with its parent, also one that hangs.  The parent is the server, which ends once nobody holds
    its pipe any more: so a worker lets go of it.
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
