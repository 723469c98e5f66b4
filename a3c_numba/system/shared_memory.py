"""Memory shared by several processes: fully reserved before use, freed when the last of them ends.

A file that is only lengthened allocates its pages when they are written.  If /dev/shm is full, which is common in a
container, SIGBUS would then kill a worker in the middle of a run.  Here all pages are allocated at once, or one line
says what to do.  The file has no name, or loses it at once: nothing is left after ``kill -9``.
"""

import errno
import math
import mmap
import os
import tempfile
import weakref
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from .descriptors import Descriptor, reserve_standard_descriptors
from .exhaustion import available_memory

LINE_BYTES = 64                # a cache line; every array starts on one
MEMORY = "memory"              # in place of a folder: a file of no file system, which Linux has
# Best first; None is TMPDIR or the system's temporary folder.
FOLDERS: tuple[str | None, ...] = (*((MEMORY,) if hasattr(os, "memfd_create") else ()), "/dev/shm", None)


class ArraySpec(NamedTuple):
    """Type and shape of an array in shared memory."""

    dtype: npt.DTypeLike
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    @property
    def length(self) -> int:
        """Return the bytes up to the end of its last cache line."""
        return -(-np.dtype(self.dtype).itemsize * self.size // LINE_BYTES) * LINE_BYTES


class _Sent(TypedDict):
    """What a worker is sent of the memory."""

    layout: list[ArraySpec]
    file: Descriptor


class SharedArrays:
    """Arrays of zeros in one block of shared memory.  Sent to a new worker process, it is the same memory there.

    Raises OSError, in one line, if there is not enough memory.
    """

    def __init__(self, layout: list[ArraySpec], file: int | None = None) -> None:
        """Reserve the memory, or take that of the ``file``, of a descriptor which is closed with it."""
        self.layout = layout
        self._map(_reserved(self.length) if file is None else file)

    def _map(self, file: int) -> None:
        """Map the file.  Its descriptor is needed to send it; the mapping has another one, and both are closed."""
        self._file = file
        weakref.finalize(self, os.close, file)
        self._buffer = mmap.mmap(file, self.length)

    def __getstate__(self) -> _Sent:
        return {"layout": self.layout, "file": Descriptor(self._file)}

    def __setstate__(self, state: _Sent) -> None:
        self.layout = state["layout"]
        self._map(state["file"].fileno())

    @property
    def length(self) -> int:
        """Return the bytes of all arrays."""
        return sum(array.length for array in self.layout)

    def flush(self) -> None:
        """Write what is new to the disk, if the memory is that of a file there.  Raises OSError."""
        self._buffer.flush()

    def fileno(self) -> int:
        """Return the descriptor of the file behind the memory."""
        return self._file

    def arrays(self) -> list[np.ndarray]:
        """Return views of the memory, in the order of the layout.  The memory is freed with the last view."""
        views, start = [], 0
        for array in self.layout:
            views.append(np.frombuffer(self._buffer, array.dtype, array.size, start).reshape(array.shape))
            start += array.length
        return views


def _reserved(size: int) -> int:
    """Return the descriptor of a file of ``size`` allocated bytes, in the first folder with enough space."""
    reserve_standard_descriptors()
    refusals = []
    for folder in FOLDERS:
        try:
            return _file_of(folder, size)
        except OSError as error:
            refusals.append(f"{folder or tempfile.tempdir or 'temporary folder'}: {error.strerror or error}")
    raise OSError(f"no {size / 1e6:.1f} MB of shared memory ({'; '.join(refusals)}): use fewer workers, point TMPDIR "
                  "at a folder with more space, or enlarge /dev/shm (docker run --shm-size)")


def _file_of(folder: str | None, size: int) -> int:
    file = anonymous_file(folder)
    try:
        if folder == MEMORY and 2 * size > available_memory():           # as /dev/shm's default; this has no limit
            raise OSError(errno.ENOSPC, f"more than half of the {available_memory() / 1e6:,.0f} MB of memory")
        allocate(file, size)
    except BaseException:
        os.close(file)
        raise
    return file


def allocate(file: int, size: int) -> None:
    """Give a file ``size`` bytes on the disk or in memory; its content stays.  Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)                                         # macOS: no promise


def anonymous_file(folder: str | None) -> int:
    """Return the descriptor of an empty file without a name: in memory, or in a folder.  Raises OSError."""
    if folder == MEMORY:
        return os.memfd_create("a3c_numba")
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return os.dup(file.fileno())
