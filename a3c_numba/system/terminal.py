"""Write lines to standard error or a terminal without blocking; log the warnings of a run without a progress bar."""

import contextlib
import functools
import logging
import os
import select
import sys
from typing import TextIO

WAIT_SECONDS = 0.1             # for a slow reader; then the rest of a text is dropped
PIECE = 128                    # characters, of four bytes at most: a pipe that is ready takes 512 bytes or more
LOG = logging.getLogger("a3c_numba")


def write_without_blocking(text: str, stream: TextIO | None = None) -> None:
    """Write to ``stream``, or to standard error; drop text that is not read, or does not fit on the disk.

    Ctrl-S, a stopped reader of a pipe or a closed terminal neither blocks nor ends a run.
    """
    stream = stream or sys.stderr
    with contextlib.suppress(OSError, ValueError):
        while stream and text and _takes_more(stream):
            _write(stream, text[:PIECE])
            text = text[PIECE:]


def _takes_more(stream: TextIO) -> bool:
    try:
        return bool(select.select([], [stream], [], WAIT_SECONDS)[1])
    except (OSError, ValueError, TypeError):                             # not a file, or Windows: unknown
        return True


def _write(stream: TextIO, text: str) -> None:
    again = None
    if stream.isatty():                                                  # even if it is ready, a line may not fit
        with contextlib.suppress(OSError, AttributeError):               # not to be found by its name, or Windows
            again = os.open(os.ttyname(stream.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    if again is None:
        stream.write(text)
        stream.flush()
        return
    try:
        os.write(again, text.encode(stream.encoding, "backslashreplace"))
    finally:
        os.close(again)


def log(lines: list[str]) -> None:
    """Log warnings if there is no progress bar: to the logger "a3c_numba", or else to standard error."""
    if LOG.hasHandlers():
        for line in lines:
            LOG.warning(line)
    elif LOG.isEnabledFor(logging.WARNING):                              # logging itself would wait for its reader
        write_without_blocking("".join(f"{line}\n" for line in lines))


@functools.cache
def log_once(line: str) -> None:
    """Log a line, once in this process."""
    log([line])
