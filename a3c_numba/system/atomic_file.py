"""Atomic file replacement: after a crash a file has its old or its new content.

The new content is written to a temporary file in the same folder, flushed to disk, and renamed.
"""

import contextlib
import itertools
import os
import shutil
from pathlib import Path
from typing import Iterator


def replace(path: Path, content: bytes) -> None:
    """Replace the file's content atomically.  Raises OSError; then the file is unchanged."""
    with temporary_sibling(path) as temporary:
        write_and_fsync(temporary, content)
        rename_and_fsync(temporary, path)


@contextlib.contextmanager
def temporary_sibling(path: Path) -> Iterator[Path]:
    """Yield the name of a temporary file beside ``path``; remove that file afterwards if it exists."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_and_fsync(path: Path, content: bytes | memoryview) -> None:
    """Write the bytes to ``path`` directly and flush them to disk.  Raises OSError."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def rename_and_fsync(temporary: Path, path: Path) -> None:
    """Rename to ``path``, replacing any file, and flush the rename to disk.  Raises OSError."""
    os.replace(temporary, path)
    with contextlib.suppress(OSError):                                   # not every platform can open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def link_or_copy(path: Path, second: Path) -> None:
    """Hard-link ``second`` to the file, or copy it if the file system has no links."""
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        shutil.copyfile(path, second)
        with open(second, "rb+") as file:
            os.fsync(file.fileno())


def unused_name(path: Path, ending: str) -> Path:
    """"latest.npz", "refused" -> "latest.npz.refused", or "latest.npz.refused-2" ... if that exists."""
    names = (path.with_name(f"{path.name}.{ending}" + f"-{n}" * (n > 1)) for n in itertools.count(1))
    return next(name for name in names if not name.exists())
