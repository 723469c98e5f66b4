"""Files that are there as a whole, or as they were before: whatever ends a write leaves one or the other.

What is new is written beside a file, down to the disk, and then takes its name.
"""

import contextlib
import itertools
import os
import shutil
from pathlib import Path
from typing import Iterator


def replace(path: Path, content: bytes) -> None:
    """Give the file these bytes.  Raises OSError; then it is as it was."""
    with temporary_sibling(path) as temporary:
        write_and_fsync(temporary, content)
        rename_and_fsync(temporary, path)


@contextlib.contextmanager
def temporary_sibling(path: Path) -> Iterator[Path]:
    """The name of a temporary file beside ``path``; what has it afterwards is removed, whatever happened."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_and_fsync(path: Path, content: bytes | memoryview) -> None:
    """Write the bytes to ``path`` itself, down to the disk.  Raises OSError."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def rename_and_fsync(temporary: Path, path: Path) -> None:
    """Rename to ``path``, whatever was there, and make the rename survive a power cut.  Raises OSError."""
    os.replace(temporary, path)
    with contextlib.suppress(OSError):                                   # not every platform can open a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def link_or_copy(path: Path, second: Path) -> None:
    """A second name for the file, or a copy where the file system knows no such thing."""
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        shutil.copyfile(path, second)
        with open(second, "rb+") as file:
            os.fsync(file.fileno())


def unused_name(path: Path, ending: str) -> Path:
    """"latest.npz", "refused" -> "latest.npz.refused", or "latest.npz.refused-2" ... where there is one already."""
    names = (path.with_name(f"{path.name}.{ending}" + f"-{n}" * (n > 1)) for n in itertools.count(1))
    return next(name for name in names if not name.exists())
