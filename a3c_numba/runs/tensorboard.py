"""A run's progress in the file format of TensorBoard, which only the viewer needs to have installed.

A file is a sequence of records (TFRecord):

    length (uint64)   masked CRC-32C of the length (uint32)   event   masked CRC-32C of the event (uint32)

An event is a message Event of TensorFlow's event.proto in Protocol Buffers' encoding: fields one after the other, each
a key, which is 8 number + kind, and a value.  Kind 0 is a varint, 1 eight bytes, 2 a length and so many bytes, 5 four
bytes.
"""

import contextlib
import os
import struct
import time
from pathlib import Path

import numpy as np

from .csv_log import append_or_nothing
from .progress import Progress

PREFIX, SUFFIX = "events.out.tfevents", "a3c_numba"
NOT_DRAWN = ("seconds", "global_step")
POLYNOMIAL = 0x82F63B78                                                  # Castagnoli's, reflected


class TensorBoardLog:
    """Write a file of events into ``folder``, one point of each number for every ``Progress`` that it is called with.

    It is a callback for ``Agent.learn``.  What cannot be written, as on a full disk, waits for the next call.

    Args:
        global_step: where the run starts or resumes.  From 0 on the first call removes the files of an earlier run; a
            resumed run has a further file, and TensorBoard drops later steps of the earlier ones.
    """

    def __init__(self, folder: str | Path, global_step: int = 0) -> None:
        self.folder, now = Path(folder), time.time()
        self.path = self.folder / f"{PREFIX}.{int(now)}.{os.getpid()}.{global_step}.{SUFFIX}"
        self._replaces = not global_step
        started = _message(7, _varint(1, 1))                             # session_log.status = START
        self._waiting = (_record(_double(1, now) + _message(3, b"brain.Event:2"))
                         + _record(_double(1, now) + _varint(2, global_step) + started))

    def __call__(self, progress: Progress) -> None:
        """Add one point of each number."""
        values = b"".join(_message(1, _message(1, f"progress/{name}".encode()) + _float(2, value))
                          for name, value in progress._asdict().items()
                          if name not in NOT_DRAWN and _is_float32(value))
        event = _double(1, time.time()) + _varint(2, progress.global_step) + _message(5, values)
        self._waiting += _record(event)
        with contextlib.suppress(OSError):
            self._append()
            self._waiting = b""

    def _append(self) -> None:
        """Append all that waits, or nothing and raise OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._replaces:
            for stale in self.folder.glob(f"{PREFIX}.*.{SUFFIX}"):
                stale.unlink()
            self._replaces = False
        with open(self.path, "ab", buffering=0) as file:
            append_or_nothing(file, self._waiting, file.tell())


def _is_float32(value: float) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.float32(value)))


def _table() -> list[int]:
    """Return the CRC-32C of each byte."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of ``data``."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _masked(length) + event + _masked(event)


def _number(value: int) -> bytes:
    """Return a varint: seven bits a byte, the lowest first; the eighth bit says that more follow."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _number(rest) if rest else bytes([low])


def _varint(number: int, value: int) -> bytes:
    return _number(8 * number) + _number(value)


def _double(number: int, value: float) -> bytes:
    return _number(8 * number + 1) + struct.pack("<d", value)


def _message(number: int, content: bytes) -> bytes:
    return _number(8 * number + 2) + _number(len(content)) + content


def _float(number: int, value: float) -> bytes:
    return _number(8 * number + 5) + struct.pack("<f", value)
