"""Memory shared by several processes: fully reserved before use, freed when the last of them ends.

A file that is only lengthened allocates its pages when they are written.  If /dev/shm is full, which is common in a
container, SIGBUS would then kill a worker in the middle of a run.  Here all pages are allocated at once, or one line
says what to do.  The file has no name, or loses it at once: nothing is left after ``kill -9``.
"""

import math
import os
import sys
import tempfile
import weakref
from multiprocessing.heap import Arena
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LINE_BYTES = 64                # a cache line; every array starts on one
FOLDERS: tuple[str | None, ...] = ("/dev/shm", None)       # best first; None is TMPDIR or the system's temporary folder


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


class SharedArrays:
    """Arrays of zeros in one block of shared memory.  Pickled to a worker process, it is the same memory there.

    Raises OSError, in one line, if there is not enough memory.
    """

    def __init__(self, layout: list[ArraySpec]) -> None:
        self.layout = layout
        self._arena = _reserved(sum(array.length for array in layout))

    def arrays(self) -> list[np.ndarray]:
        """Return views of the memory, in the order of the layout.  The memory is freed with the last view."""
        views, start = [], 0
        for array in self.layout:
            views.append(np.frombuffer(self._arena.buffer, array.dtype, array.size, start).reshape(array.shape))
            start += array.length
        return views


def _reserved(size: int) -> Arena:
    """Return an arena of ``size`` allocated bytes, in the first folder with enough space."""
    if sys.platform == "win32":
        return Arena(size)                                               # no file: backed by the paging file
    refusals = []
    for folder in FOLDERS:
        try:
            return _arena(folder, size)
        except OSError as error:
            refusals.append(f"{folder or tempfile.tempdir or 'temporary folder'}: {error.strerror or error}")
    raise OSError(f"no {size / 1e6:.1f} MB of shared memory ({'; '.join(refusals)}): use fewer workers, point TMPDIR "
                  "at a folder with more space, or enlarge /dev/shm (docker run --shm-size)")


def _arena(folder: str | None, size: int) -> Arena:
    _reserve_standard_fds()
    file = tempfile.TemporaryFile(dir=folder, buffering=0)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            os.ftruncate(file.fileno(), size)                            # macOS: no promise
        arena = Arena(size, file.fileno())
    except BaseException:
        file.close()
        raise
    weakref.finalize(arena, file.close)
    return arena


def _reserve_standard_fds() -> None:
    """Reopen closed standard descriptors (a shell's "2>&-") on /dev/null.

    Otherwise the shared-memory file could become descriptor 2, and C error output would overwrite theta.  Moving that
    file is not enough: mmap has a second descriptor, which it chooses itself.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
