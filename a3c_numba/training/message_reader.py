"""What a worker sends, read without waiting for it: half a message stays until its other half comes, or never does."""

import os
import pickle
import sys
from typing import Any, Iterator

CHUNK = 1 << 20                # bytes read at once, at the most


class MessageReader:
    """The main process's end of a pipe on which a worker sends; ``connection.wait`` takes it as it takes the pipe."""

    def __init__(self, pipe: Any) -> None:
        self.pipe, self.unread = pipe, bytearray()

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more."""
        return self.pipe.closed

    def close(self) -> None:
        """Hear no more."""
        self.pipe.close()

    def fileno(self) -> int:
        """What ``connection.wait`` looks at."""
        return self.pipe.fileno()

    def messages(self) -> Iterator[Any]:
        """Those that have come as a whole by now; the pipe is closed as soon as its other end is."""
        try:
            while not self.closed and self.pipe.poll():
                yield from self._read()
        except (EOFError, OSError):
            self.close()

    def _read(self) -> Iterator[Any]:
        if sys.platform == "win32":                                      # there a message is all here, or not at all
            yield self.pipe.recv()
            return
        chunk = os.read(self.fileno(), CHUNK)                            # what is here, if that is less
        if not chunk:
            raise EOFError
        self.unread += chunk
        while (message := self._taken()) is not None:
            yield pickle.loads(message)

    def _taken(self) -> bytes | None:
        """The next message, as multiprocessing sends it: its length in 4 bytes, or -1 and 8 bytes; then a pickle."""
        start, length = 4, int.from_bytes(self.unread[:4], "big", signed=True)
        if length < 0:
            start, length = 12, int.from_bytes(self.unread[4:12], "big")
        end = start + length
        if len(self.unread) < end:
            return None
        message = bytes(self.unread[start:end])
        del self.unread[:end]
        return message
