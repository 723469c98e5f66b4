"""The replay memory of a run on disk: replay.bin, which ``save_replay`` adds to the run's folder.

    header       int64 (LINE,): MAGIC, then how many frames and steps have been added
    frames, actions, rewards, discounts, drawable       the ring of core/replay.py
    checksums    uint32, the CRC-32 of each frame

It is mapped into the worker's memory, so that a checkpoint costs only the flush of what is new.  The worker adds frames
after a checkpoint, too: the ring has ``spare`` frames more than the memory, so that those which the checkpoint needs
are still there if the run resumes from it.  The checkpoint has a CRC-32 of the memory, so whatever else has happened to
the file is detected.

All of its bytes are allocated before the run starts: a full disk would be a SIGBUS later.
"""

import errno
import os
import shutil
import sys
import zlib
from pathlib import Path
from typing import Iterator, TypedDict

import numpy as np

from ..config import Config
from ..core.algorithms import DQN
from ..core.replay import ReplayMemory
from ..core.shared import LINE
from ..system.shared_memory import ArraySpec, SharedArrays, allocate
from .checkpoint import WorkerState
from .replaced_run import ASIDE
from .replaced_run import MEMORY as FILE

ONE_MACHINE = "save_replay is for one machine: on a cluster each node fills a replay memory of its own"
MAGIC = int.from_bytes(b"a3cmemo1", sys.byteorder)
ENTRIES, STEPS = 1, 2                                                    # places in the header
ARRAYS = ("frames", "actions", "rewards", "discounts", "drawable")       # of a ReplayMemory
SPARE_FRAMES, SPARE_BYTES = 100_000, 2**28


class _Sent(TypedDict):
    """What a worker is sent of the file."""

    memory_size: int
    arrays: SharedArrays


def spare_frames(memory_size: int, frame_bytes: int) -> int:
    """Return how many frames a checkpoint may be behind: at most 100,000, but 256 MB or an eighth of the memory."""
    return min(SPARE_FRAMES, max(SPARE_BYTES // frame_bytes, memory_size // 8))


def memory_size_of(config: Config) -> int:
    """Return the frames of the run's memory."""
    assert isinstance(config.algorithm, DQN)
    return config.algorithm.memory_size


def layout_of(config: Config) -> tuple[list[ArraySpec], int]:
    """Return the arrays of the file, and how many of their frames are spare."""
    space, memory_size = config.spaces.observation_space, memory_size_of(config)
    assert space.dtype is not None
    example = ReplayMemory(1, space.shape or (), space.dtype, config.frame_stack)
    ring: list[np.ndarray] = [*(getattr(example, name) for name in ARRAYS), np.zeros(1, np.uint32)]
    spare = spare_frames(memory_size, sum(array.nbytes for array in ring))
    frames = memory_size + spare
    return [ArraySpec(np.int64, (LINE,)), *(ArraySpec(each.dtype, (frames, *each.shape[1:])) for each in ring)], spare


def check_space(config: Config, folder: Path) -> None:
    """Raise ValueError, in one line, if the disk lacks room for the file; the bytes of an older one are given back."""
    if not config.save_replay:
        return
    needed = sum(array.length for array in layout_of(config)[0])
    held = [path for path in (folder / FILE, folder / ASIDE / FILE) if path.is_file()]
    old = sum(path.stat().st_blocks * 512 for path in held)
    free = shutil.disk_usage(next(path for path in (folder, *folder.absolute().parents) if path.is_dir())).free + old
    if needed > free:
        raise ValueError(f"{folder / FILE}: a replay memory of {memory_size_of(config):,} frames takes "
                         f"{needed / 1e6:,.0f} MB of the disk, and {free / 1e6:,.0f} MB are free: give a smaller "
                         "memory_size, or do without save_replay")


class ReplayFile:
    """The file of a run's replay memory.  Pickled to a worker process, it is the same memory there.

    Attributes:
        memory_size: frames of the memory; the ring has more.
        ring: the ARRAYS.
        problem: "", or why the file holds no memory, and what it had was dropped.
        is_new: True if it did not exist.
    """

    def __init__(self, path: Path, config: Config) -> None:
        """Open the file, or make it.  Raises OSError, in one line."""
        layout, self.spare = layout_of(config)
        self.path, self.memory_size = path, memory_size_of(config)
        self.is_new = not path.exists()
        file, self.problem = _opened(path, sum(array.length for array in layout))
        self._view(SharedArrays(layout, file))
        if not self.problem and self._header[0] != MAGIC:
            self.problem = "is not a replay memory"
        if self.problem or min(self.entries, self.steps) < 0:
            self.set_counts(0, 0)
        self.begin_at(self.entries, self.steps)
        self._header[0] = MAGIC

    def _view(self, arrays: SharedArrays) -> None:
        self._arrays = arrays
        self._header, *self.ring, self.checksums = arrays.arrays()
        self.frames = self.ring[0]

    def __getstate__(self) -> _Sent:
        return {"memory_size": self.memory_size, "arrays": self._arrays}

    def __setstate__(self, state: _Sent) -> None:
        self.memory_size = state["memory_size"]
        self._view(state["arrays"])

    @property
    def entries(self) -> int:
        """Return how many frames have been added."""
        return int(self._header[ENTRIES])

    @property
    def steps(self) -> int:
        """Return how many steps have been added."""
        return int(self._header[STEPS])

    def set_counts(self, entries: int, steps: int) -> None:
        """Note how many frames and steps have been added: a worker that replaces another one begins with these."""
        self._header[ENTRIES], self._header[STEPS] = entries, steps

    def begin_at(self, entries: int, steps: int) -> None:
        """Begin with a memory to which so many frames and steps were added."""
        self.set_counts(entries, steps)
        self.flushed = entries                                           # how many had been added at the last flush

    def set_checksum(self, entry: int) -> None:
        """Note the checksum of a frame."""
        slot = entry % len(self.frames)
        self.checksums[slot] = zlib.crc32(self.frames[slot].data)

    def crc32(self, entries: int) -> int:
        """Return the CRC-32 of the memory after so many entries: of the arrays, with checksums in place of frames."""
        crc = 0
        for array in (*self.ring[1:], self.checksums):
            for part in self._newest(array, entries):
                crc = zlib.crc32(part.data, crc)
        return crc

    def _newest(self, array: np.ndarray, entries: int) -> Iterator[np.ndarray]:
        """Yield the part of an array that belongs to the memory after so many entries, the oldest first."""
        count = min(entries, self.memory_size)
        first = (entries - count) % len(array)
        yield array[first:first + count]
        yield array[:max(0, first + count - len(array))]

    def resume(self, saved: WorkerState) -> bool:
        """Go back to the memory of a checkpoint.  Return False, and be empty, if the file does not hold it."""
        entries = saved["entries"]
        if entries:                                                      # a worker that was replaced may have reset it
            _, _, rewards, _, drawable = self.ring
            last = (entries - 1) % len(drawable)
            drawable[last] = not saved["begins"] and np.isfinite(rewards[last])
        for entry in range(max(0, entries - self.memory_size), entries):
            self.set_checksum(entry)
        held = self.crc32(entries) == saved["crc32"]
        self.begin_at(entries if held else 0, saved["steps"] if held else 0)
        return held

    @property
    def is_due(self) -> bool:
        """True if a quarter of the spare frames has been added since the last flush.

        The header is read from the file: reading the memory of a file that was cut would be a SIGBUS.
        """
        return self._written() - self.flushed > self.spare // 4

    def _written(self) -> int:
        return int.from_bytes(os.pread(self._arrays.fileno(), 8, 8 * ENTRIES), sys.byteorder)

    def flush(self) -> None:
        """Write to the disk what is new.  Raises OSError."""
        written = self._written()
        self._arrays.flush()
        self.flushed = written


def _opened(path: Path, length: int) -> tuple[int, str]:
    """Return the descriptor of the file, of ``length`` allocated bytes, and why they are all 0, or "" if not."""
    problem, fits = "", False
    try:
        size = path.stat().st_size if path.exists() else None
        fits = size == length
        if not fits:
            problem = "did not exist" if size is None else f"had {size:,} bytes, expected {length:,}"
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not fits:
                os.ftruncate(file, 0)
            allocate(file, length)
        except OSError:
            os.close(file)
            if not fits:
                path.unlink(missing_ok=True)                             # what was allocated
            raise
    except OSError as error:
        advice = ": give a smaller memory_size, or do without save_replay" if error.errno == errno.ENOSPC else ""
        raise OSError(f"{path}: no file of {length / 1e6:,.0f} MB for the replay memory "
                      f"({error.strerror}){advice}") from None
    return file, problem
