"""Read a worker's messages without blocking; a partial message is kept until the rest of it arrives."""

import os
import pickle
import sys
from typing import Any, Iterator

CHUNK = 1 << 20                # maximum number of bytes read at once


class MessageReader:
    """Read the main process's end of a worker's pipe; ``connection.wait`` accepts a reader in place of the pipe."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.unread = pipe, bytearray()

    @property
    def closed(self) -> bool:
        """True if no more messages can arrive."""
        return self.pipe.closed

    def close(self) -> None:
        """Close the pipe."""
        self.pipe.close()

    def fileno(self) -> int:
        """Return the pipe's file descriptor, for ``connection.wait``."""
        return self.pipe.fileno()

    def messages(self) -> Iterator[Any]:
        """Yield the complete messages received so far; close the pipe if its other end is closed."""
        try:
            while not self.closed and self.pipe.poll():
                yield from self._read()
        except (EOFError, OSError):
            self.close()

    def _read(self) -> Iterator[Any]:
        if sys.platform == "win32":                                      # there a message arrives whole
            yield self.pipe.recv()
            return
        chunk = os.read(self.fileno(), CHUNK)                            # may return less
        if not chunk:
            raise EOFError
        self.unread += chunk
        while (message := self._taken()) is not None:
            yield pickle.loads(message)

    def _taken(self) -> bytes | None:
        """Return the next message in multiprocessing's format (4 bytes of length, or -1 and 8; a pickle), or None."""
        start, length = 4, int.from_bytes(self.unread[:4], "big", signed=True)
        if length < 0:
            start, length = 12, int.from_bytes(self.unread[4:12], "big")
        end = start + length
        if len(self.unread) < end:
            return None
        message = bytes(self.unread[start:end])
        del self.unread[:end]
        return message
