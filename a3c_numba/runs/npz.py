"""Read and write arrays in ``.npz`` files, and rotate the older checkpoints of a run.

An ``.npz`` file is a zip archive of ``.npy`` files.  The CRC-32 of a member covers its header and its numbers, and is
compared on reading; of the rest, the archive's own tables, nothing is believed that the members do not bear out.

Nothing here parses more than a number: a header has to read, character by character, as numpy writes it.
"""

import contextlib
import io
import os
import re
import zipfile
from pathlib import Path

import numpy as np

from ..system import atomic_file

KINDS = {"meta": "|u1", "theta": "<f4", "statistics": "<f4", "target": "<f4"}       # of the arrays, each (n,)
NEEDED = {"meta", "theta"}
MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(rb"\{'descr': '(\|u1|<f4)', 'fortran_order': False, 'shape': \(([0-9]{1,15}),\), \} *\n")


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write the arrays to ``path`` directly and flush them to disk.  Raises OSError."""
    content = io.BytesIO()
    np.savez(content, **{name: np.asarray(x, KINDS[name]) for name, x in arrays.items()})  # type: ignore[arg-type]
    with content.getbuffer() as view:                                    # released, whatever fails: 3.14 warns of it
        atomic_file.write_and_fsync(path, view)


def read(path: Path) -> dict[str, np.ndarray]:
    """Return a checkpoint's arrays by name: one-dimensional, of KINDS; all together take a few times the file's size.

    Raises ValueError or another Exception for a file that is not whole or not one of ours; runs nothing in it.
    """
    with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        size, members = os.fstat(file.fileno()).st_size, archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members[:len(KINDS) + 1]]
        if len(set(names)) < len(names) or not NEEDED <= set(names) <= set(KINDS):
            raise ValueError(f"it holds {', '.join(names) or 'nothing'}; expected are {', '.join(KINDS)}, each once")
        arrays = {}
        for name, member in zip(names, members):
            stored = member.compress_type == zipfile.ZIP_STORED and member.compress_size == member.file_size
            if not stored or member.file_size > size:
                raise ValueError(f"{member.filename} is compressed, or claims more than the file holds")
            arrays[name] = _array(name, archive.read(member))            # after a CRC check
        return arrays


def _array(name: str, content: bytes) -> np.ndarray:
    """Return the array of a ``.npy`` file; nothing is allocated before header and length agree."""
    start = 10 + int.from_bytes(content[8:10], "little")
    header = HEADER.fullmatch(content[10:start])
    if not content.startswith(MAGIC) or not header or header[1] != KINDS[name].encode():
        raise ValueError(f"{name} is not one dimension of {np.dtype(KINDS[name])}: {content[10:start][:100]!r}")
    bytes_said = int(header[2]) * np.dtype(KINDS[name]).itemsize
    if len(content) - start != bytes_said:
        raise ValueError(f"{name} has {len(content) - start} bytes, its header says {bytes_said}")
    return np.frombuffer(content, KINDS[name], offset=start).astype(np.dtype(KINDS[name]).newbyteorder("="))


def older(path: Path, age: int) -> Path:
    """"latest.npz", 1 -> "latest-1.npz", where the one before it is kept; 0 -> ``path`` itself."""
    return path.with_name(f"{path.stem}-{age}{path.suffix}") if age else path


def rotate(path: Path, keep: int) -> None:
    """Make room for a new ``path``: what it holds is ``older(path, 1)`` afterwards too, ... up to age ``keep - 1``.

    ``path`` itself stays whole and in place at every moment.  Raises OSError; nothing is lost then.
    """
    first = older(path, 1)
    # They are one file if a rotation was already made for a file that was never written.
    if keep > 1 and path.exists() and not (first.exists() and os.path.samefile(path, first)):
        with atomic_file.temporary_sibling(first) as second:
            atomic_file.link_or_copy(path, second)
            for age in range(keep - 1, 1, -1):
                if older(path, age - 1).exists():
                    os.replace(older(path, age - 1), older(path, age))
            os.replace(second, first)


def prune(path: Path, keep: int) -> None:
    """Remove older checkpoints beyond ``keep``, ignoring OSError; only once ``path`` is written."""
    age = max(keep, 1)
    with contextlib.suppress(OSError):
        while older(path, age).exists():
            older(path, age).unlink()
            age += 1
