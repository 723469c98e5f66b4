"""Allow one run at a time in a folder: the system releases the lock when the process ends, for any reason."""

import contextlib
import os
from pathlib import Path
from typing import Any, Iterator

try:
    import fcntl as _fcntl
except ImportError:                                                      # not on Windows
    _fcntl = None  # type: ignore[assignment]
fcntl: Any = _fcntl
_held: set[int] = set()         # descriptors of the folders that this process has locked


class DirectoryInUse(ValueError):
    """Another run writes to the folder; one line."""


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Within ``with`` no other run can have ``folder``, which is made if need be; raises DirectoryInUse where one has
    it.

    The lock is on the folder itself, no file is written.  If the system or the file system has no locks, or the folder
    cannot be made or opened, nothing is locked.
    """
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    file = _locked(folder) if fcntl else None
    if file is not None:
        _held.add(file)
    try:
        yield
    finally:
        if file in _held:
            _held.remove(file)
            fcntl.flock(file, fcntl.LOCK_UN)                             # also for a process that has inherited it
            os.close(file)


def _let_go() -> None:
    """Close inherited descriptors in a fork: a lock lasts until every process that has its descriptor closes it."""
    for file in _held:
        os.close(file)
    _held.clear()


if fcntl:
    os.register_at_fork(after_in_child=_let_go)


def _locked(folder: Path) -> int | None:
    """Return the folder's descriptor, which no worker inherits, or None if it cannot be locked."""
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        os.close(file)
        raise DirectoryInUse(f"{folder} is in use by another run") from None
    except OSError:
        os.close(file)
        return None
