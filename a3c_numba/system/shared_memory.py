"""Memory that several processes share: reserved in full before it is used, and gone with the last of them.

A file that is only lengthened takes its pages as they are written to.  Where /dev/shm is full, as it soon is in a
container, some worker would then be ended by SIGBUS in the middle of a run.  Here the pages are taken at once, or one
line says what to do.  The file never has a name, where the system allows that, or loses it at once: nothing is left
behind even by ``kill -9``.
"""

import math
import os
import sys
import tempfile
import weakref
from multiprocessing.heap import Arena
from typing import Any, NamedTuple

import numpy as np

LINE_BYTES = 64                # a cache line; every array starts on one
FOLDERS: tuple[str | None, ...] = ("/dev/shm", None)       # best first; None is TMPDIR or the system's temporary folder


class ArraySpec(NamedTuple):
    """An array that is to lie in shared memory."""

    dtype: Any
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def length(self) -> int:
        """Bytes, to the end of its last cache line."""
        return -(-np.dtype(self.dtype).itemsize * self.size // LINE_BYTES) * LINE_BYTES


class SharedArrays:
    """Arrays of zeros in one block of shared memory.  Pickled to a worker process, it is the same memory there.

    Raises OSError, in one line, where there is not enough of it.
    """

    def __init__(self, layout: list[ArraySpec]) -> None:
        self.layout = layout
        self._arena = _reserved(sum(array.length for array in layout))

    def arrays(self) -> list[np.ndarray]:
        """Views of the memory, in the order of the layout.  It lasts as long as the last of them."""
        views, start = [], 0
        for array in self.layout:
            views.append(np.frombuffer(self._arena.buffer, array.dtype, array.size, start).reshape(array.shape))
            start += array.length
        return views


def _reserved(size: int) -> Arena:
    """An arena of ``size`` bytes that are really there, in the first folder that has them."""
    if sys.platform == "win32":
        return Arena(size)                                               # no file: the paging file stands behind it
    refusals = []
    for folder in FOLDERS:
        try:
            return _arena(folder, size)
        except OSError as error:
            refusals.append(f"{folder or tempfile.tempdir or 'temporary folder'}: {error.strerror or error}")
    raise OSError(f"no {size / 1e6:.1f} MB of shared memory ({'; '.join(refusals)}): use fewer workers, point TMPDIR "
                  "at a folder with more space, or enlarge /dev/shm (docker run --shm-size)")


def _arena(folder: str | None, size: int) -> Any:
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
    """Those that were closed (a shell's "2>&-"), for good: or the memory gets one, and what C code says is in theta.

    To move the memory's own file would not do: mmap has a second descriptor, which it chooses itself.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
