"""What the system has run out of: processes, memory or descriptors; which limit that is, and what to do about it."""

import contextlib
import errno
import os
import sys
from pathlib import Path

from .cgroups import least, texts

EXIT_CODE = 100                # plus the error number: exit code of a worker that could not even read its request
VMSTAT = Path("/proc/vmstat")
MEMORY, PROCESSES, FILES = (errno.ENOMEM,), (errno.EAGAIN,), (errno.EMFILE, errno.ENFILE)


def exhausted(error: BaseException | None) -> int | None:
    """Return the number of the error that an exception stems from if the system has run out of something, else None."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:                   # "raise error from error" is a circle
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return errno.ENOMEM
        if isinstance(error, OSError) and error.errno in MEMORY + PROCESSES + FILES:
            return error.errno
        if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
            return errno.EAGAIN
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def number_of_exit(code: int | None) -> int | None:
    """Return the error number that a worker's exit code stands for, or None."""
    number = (code or 0) - EXIT_CODE
    return number if number in MEMORY + PROCESSES + FILES else None


def advice(number: int | None) -> str:
    """Return what to do, for a message: the limit that an error number speaks of, with its value."""
    if number in PROCESSES:
        what = f"limit of processes ({_ulimit('-u', 'NPROC')}{_of_group(least('pids', 'pids.max', 'pids.max'))})"
    elif number in MEMORY:
        what = f"limit of memory ({_ulimit('-v', 'AS', 1e6)}; {available_memory() / 1e6:,.0f} MB are there for all)"
    elif number in FILES:
        what = f"limit of open files ({_ulimit('-n', 'NOFILE')})"
    else:
        what = "limits of processes, memory and descriptors (ulimit -u, -v, -n; a container's)"
    return f"use fewer workers (--workers), or raise the {what}"


def _ulimit(option: str, name: str, unit: float = 0.0) -> str:
    """Return "ulimit -n: 48"; memory is in MB."""
    if sys.platform == "win32":
        return f"ulimit {option}"
    import resource
    limit, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    if limit == resource.RLIM_INFINITY:
        return f"ulimit {option}: unlimited"
    return f"ulimit {option}: {limit / unit:,.0f} MB" if unit else f"ulimit {option}: {limit}"


def _of_group(limit: int | None) -> str:
    return "" if limit is None else f"; the container's: {limit}"


def available_memory() -> int:
    """Return the bytes of memory that this process and all others may use: the machine's, or its cgroup's if less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(machine, least("memory", "memory.limit_in_bytes", "memory.max") or machine)


def killed_for_memory() -> int:
    """Return how many processes Linux has killed so far because memory ran out: of this cgroup, or of the machine."""
    for text in (*texts("memory", "memory.oom_control", "memory.events"), _vmstat()):
        words = text.split()
        if "oom_kill" in words:
            return int(words[words.index("oom_kill") + 1])
    return 0


def _vmstat() -> str:
    with contextlib.suppress(OSError):
        return VMSTAT.read_text()
    return ""
