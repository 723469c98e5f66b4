"""How workers come to be processes, and how they end when nobody is left to work for.

On Linux they are forked from a server that is started once and has imported what a worker needs (preload.py): a
replacement is there at once, and what was imported lies in memory once.  The server is this package's own: the
program's other processes do not come from it.  Elsewhere than on Linux workers are spawned.
"""

import ctypes
import os
import signal
import sys
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from typing import Any, Iterator

from .interrupts import signals_held

PRELOAD = ["a3c_numba.preload"]
PR_SET_PDEATHSIG = 1           # of Linux's prctl
LINUX = sys.platform == "linux"
_server: Any = forkserver.ForkServer() if LINUX else None


def context() -> Any:
    """What makes processes, pipes and shared memory."""
    return get_context("forkserver" if LINUX else "spawn")


@contextmanager
def starting() -> Iterator[None]:
    """What is started in the block comes from this package's server, with SIGINT and SIGTERM masked for good."""
    if not LINUX:
        with signals_held():
            yield
        return
    others: Any = forkserver
    before = others.connect_to_new_process
    others.connect_to_new_process = _server.connect_to_new_process
    try:
        with signals_held():
            _server.set_forkserver_preload(PRELOAD)
            yield
    finally:
        others.connect_to_new_process = before


def abandon_server() -> None:
    """End the server, which does not answer, and with it its workers; the next start makes another one."""
    if LINUX and _server._forkserver_pid is not None:
        os.kill(_server._forkserver_pid, signal.SIGKILL)


def begin(environ: dict[str, str]) -> None:
    """A worker's first act: the environment variables of who started it, and an end when that process ends.

    Linux kills a worker with its parent, also one that hangs.  The parent is the server, which ends once nobody holds
    its pipe any more: so a worker lets go of it.
    """
    os.environ.clear()
    os.environ.update(environ)
    if not LINUX:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    inherited: Any = getattr(forkserver, "_forkserver", None)
    if getattr(inherited, "_forkserver_alive_fd", None) is not None:
        os.close(inherited._forkserver_alive_fd)
        inherited._forkserver_alive_fd = None
