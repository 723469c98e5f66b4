"""One run at a time in a folder: a lock that the system frees with the process, however that ends."""

import contextlib
import os
from pathlib import Path
from typing import Any, Iterator

try:
    import fcntl as _fcntl
except ImportError:                                                      # not on Windows
    _fcntl = None  # type: ignore[assignment]
fcntl: Any = _fcntl


class FolderInUse(ValueError):
    """Another run writes to the folder; one line."""


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Within ``with`` no other run can have ``folder``, which is made if need be; raises FolderInUse where one has it.

    The lock is on the folder itself, no file is written.  Where the system or the file system has no locks there is
    none, and a folder that cannot be made or opened is left to whoever writes to it first.
    """
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    file = _locked(folder) if fcntl else None
    try:
        yield
    finally:
        if file is not None:
            fcntl.flock(file, fcntl.LOCK_UN)                             # also for a process that has inherited it
            os.close(file)


def _locked(folder: Path) -> int | None:
    """The folder's descriptor, which no worker inherits, or None where it cannot be locked."""
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        os.close(file)
        raise FolderInUse(f"{folder} is in use by another run") from None
    except OSError:
        os.close(file)
        return None
