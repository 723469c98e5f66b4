"""The processes that worker_server starts: the server that forks workers, and a worker from its first line to its last.

The server imports what workers need once, and forks a worker for each request.  It has one thread, reads nothing of a
request itself, and ends when the main process closes its end of the socket, as the system does when that process is
killed.  On Linux the system kills the workers with it.
"""

import ctypes
import errno
import gc
import importlib
import os
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import numpy as np

from .channel import socket_pair, wait
from .exhaustion import EXIT_CODE, exhausted
from .signals import ignore_signals_in_worker
from .worker_request import read_request

STATUS = struct.Struct("!q")   # a worker's id, or -errno if there is none; then its exit code
REASON_BYTES = 4096            # at most, of why the server could not import what workers need
MOST_DESCRIPTORS = 250         # of one request: the system sends at most 253 at once
KILLED_FIRST = 500             # per mille of the memory, added to what a worker is reckoned to use; inherited
PR_SET_PDEATHSIG = 1           # of Linux's prctl
LINUX = sys.platform == "linux"
_in_worker = False


def in_worker() -> bool:
    """True in a worker process."""
    return _in_worker


def serve(control: int, preload: str, main_thread: bool) -> None:
    """Be the server: import ``preload``, then fork a worker for each request.

    Args:
        control: descriptor of the socket that requests come from.
        main_thread: True if the main thread of the main process has started the server.  Then the system kills it with
            that thread, also if it is stopped.
    """
    if main_thread:
        end_with_parent()
    connection = socket.socket(fileno=control)
    try:
        importlib.import_module(preload)
    except Exception as error:
        connection.send(f"{type(error).__name__}: {error}".encode(errors="replace")[:REASON_BYTES])
        raise SystemExit(1) from None
    gc.collect()
    gc.freeze()                                                          # or the workers' collections copy all pages
    Server(connection).run()


def end_with_parent() -> None:
    """Have Linux kill this process with the thread that started it."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def be_killed_first() -> None:
    """Have Linux kill this worker, if memory runs out, and not the server, with which all workers would die."""
    with suppress(OSError, ValueError):
        file = Path("/proc/self/oom_score_adj")
        file.write_text(str(min(1000, int(file.read_text()) + KILLED_FIRST)))


class Server:
    """Fork workers, and report their ids and exit codes to the main process, each through a socket of its own."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.statuses: dict[int, socket.socket] = {}                     # of each worker, by its id
        self.bell, self._ringer = socket_pair()                          # SIGCHLD writes to it
        for end in (self.bell, self._ringer):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until the main process has ended."""
        while True:
            ready = wait([self.control, self.bell])
            if self.bell in ready:
                self.bell.recv(4096)
            self._report_exits()
            if self.control in ready and not self._fork():
                return

    def _report_exits(self) -> None:
        with suppress(ChildProcessError):                                # no worker
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid in self.statuses:
                    with self.statuses.pop(pid) as end:
                        _tell(end, os.waitstatus_to_exitcode(status))

    def _fork(self) -> bool:
        """Fork a worker for the next request.  Return False if the main process has ended."""
        count, numbers, _, _ = socket.recv_fds(self.control, 1, MOST_DESCRIPTORS)
        if not count:
            return False
        for number in numbers:
            os.set_inheritable(number, False)
        if not numbers:                                                  # none is free here: the sender sees the end
            return True
        status, *descriptors = numbers
        end = socket.socket(fileno=status)
        if len(numbers) < count[0]:
            _refuse(end, errno.EMFILE)
        else:
            self._fork_worker(end, descriptors)
        for number in descriptors:
            os.close(number)
        return True

    def _fork_worker(self, end: socket.socket, descriptors: list[int]) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _refuse(end, error.errno or errno.EAGAIN)
            return
        if not pid:
            self._become_worker(server, end, descriptors)
        self.statuses[pid] = end
        _tell(end, pid)

    def _become_worker(self, server: int, end: socket.socket, descriptors: list[int]) -> NoReturn:
        """In the fork: close what is the server's, and work."""
        try:
            end_with_parent()
            if os.getppid() != server:                                   # it was killed before
                os._exit(1)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for socket_ in (self.control, self.bell, self._ringer, end, *self.statuses.values()):
                socket_.close()
        finally:
            run_worker(descriptors)


def _tell(end: socket.socket, number: int) -> None:
    with suppress(OSError):                                              # the main process no longer listens
        end.send(STATUS.pack(number))


def _refuse(end: socket.socket, number: int) -> None:
    with end:
        _tell(end, -number)


def init_worker_process() -> None:
    """Make this process a worker: it ignores signals, which only the main process handles."""
    global _in_worker
    _in_worker = True
    be_killed_first()
    ignore_signals_in_worker()
    np.random.seed()                                                     # NumPy's own stream, or all forks have one


def run_worker(descriptors: list[int]) -> NoReturn:
    """Do what the request in the first descriptor asks for, then exit, without a way back into the caller."""
    code = 1
    try:
        init_worker_process()
        file, *others = descriptors
        read_request(file, others)()
        code = 0
    except SystemExit as end:
        code = _exit_code(end.code)
    except BaseException as error:
        number = exhausted(error)
        if number:
            code = EXIT_CODE + number                                    # the main process says it in one line
        else:
            traceback.print_exc()
    finally:
        _end(code)


def _exit_code(said: object) -> int:
    """Return the exit code for what was given to SystemExit; another object is printed, as Python does."""
    if said is None or isinstance(said, int):
        return (said or 0) & 0xFF
    print(said, file=sys.stderr)
    return 1


def _end(code: int) -> NoReturn:
    """Exit at once: a thread or a library that an environment has left behind cannot hold up the end."""
    try:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        if "multiprocessing" in sys.modules:
            for child in sys.modules["multiprocessing"].active_children():
                if child.daemon:
                    child.kill()                                         # it may handle SIGTERM, and take its time
    finally:
        os._exit(code)
