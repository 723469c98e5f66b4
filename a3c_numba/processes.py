"""How workers come to be processes, and how they end when nobody is left to work for.

On Linux they are forked from a server that is started once and has imported what a worker needs: that takes a hundredth
of a second instead of one, and what was imported lies in memory once.  The server has one thread and has touched no
environment and no network, so that a fork of it is as good as a new process.  Elsewhere they are spawned.
"""

import ctypes
import os
import signal
import sys
from multiprocessing import forkserver, get_context
from typing import Any

PRELOAD = ["a3c_numba.worker"]
PR_SET_PDEATHSIG = 1           # of Linux's prctl


def context() -> Any:
    """What makes processes, pipes and shared memory."""
    if sys.platform != "linux":
        return get_context("spawn")
    made = get_context("forkserver")
    made.set_forkserver_preload(PRELOAD)
    return made


def begin(environ: dict[str, str]) -> None:
    """A worker's first act: the environment variables of who started it, and an end when that process ends.

    Linux kills a worker with its parent, also one that hangs.  The parent is the server, which ends once nobody holds
    its pipe any more: so a worker lets go of it.
    """
    os.environ.clear()
    os.environ.update(environ)
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    server: Any = getattr(forkserver, "_forkserver", None)
    if getattr(server, "_forkserver_alive_fd", None) is not None:
        os.close(server._forkserver_alive_fd)
        server._forkserver_alive_fd = None
