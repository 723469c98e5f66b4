"""Write lines to standard error or a terminal without blocking; log the warnings of a run without a progress bar.

A stream may be one that a program has put in place of Python's: it may have ``write`` alone, be closed, fail, or have
an encoding that lacks a character, which is replaced.  A line that cannot be shown never ends a run.
"""

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
    stream = sys.stderr if stream is None else stream
    with contextlib.suppress(Exception):
        while stream is not None and text and _takes_more(stream):
            _write(stream, text[:PIECE])
            text = text[PIECE:]


def show(text: str) -> None:
    """Write to standard output, as ``print(text, end="", flush=True)``.  Raises BrokenPipeError if its reader ended."""
    try:
        if sys.stdout is not None:
            _write_all(sys.stdout, text)
    except BrokenPipeError:
        raise
    except Exception:                                                    # whatever a program's stream may raise
        pass


def is_terminal(stream: TextIO | None) -> bool:
    """True if the stream is a terminal."""
    try:
        return stream is not None and bool(stream.isatty())
    except Exception:                                                    # it is closed, or has no such method
        return False


def _takes_more(stream: TextIO) -> bool:
    try:
        return bool(select.select([], [stream], [], WAIT_SECONDS)[1])
    except Exception:                                                    # not a file, or Windows: unknown
        return True


def _write(stream: TextIO, text: str) -> None:
    again = None
    if is_terminal(stream):                                              # even if it is ready, a line may not fit
        with contextlib.suppress(Exception):                             # not to be found by its name, or Windows
            again = os.open(os.ttyname(stream.fileno()), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    if again is None:
        _write_all(stream, text)
        return
    try:
        os.write(again, text.encode(stream.encoding, "backslashreplace"))
    finally:
        os.close(again)


def _write_all(stream: TextIO, text: str) -> None:
    """Write and flush; "?" stands for what the stream's encoding lacks."""
    encoding = getattr(stream, "encoding", None)
    if isinstance(encoding, str):
        with contextlib.suppress(LookupError):                           # Python does not know the encoding
            text = text.encode(encoding, "replace").decode(encoding)
    stream.write(text)
    if hasattr(stream, "flush"):
        stream.flush()


def log(lines: list[str]) -> None:
    """Log warnings if there is no progress bar: to the logger "a3c_numba", or else to standard error."""
    if LOG.hasHandlers():
        for line in lines:
            with contextlib.suppress(Exception):                         # of a program's own handler
                LOG.warning(line)
    elif LOG.isEnabledFor(logging.WARNING):                              # logging itself would wait for its reader
        write_without_blocking("".join(f"{line}\n" for line in lines))


@functools.cache
def log_once(line: str) -> None:
    """Log a line, once in this process."""
    log([line])
