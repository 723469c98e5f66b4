"""Read a worker's messages without blocking; a partial message is kept until the rest of it arrives."""

import pickle
from typing import Any, Iterator

from ..system.channel import CHUNK, LENGTH, Channel


class MessageReader:
    """Read the main process's end of a worker's channel; ``wait`` accepts a reader in place of the channel."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.unread = channel, bytearray()
        channel.socket.setblocking(False)

    @property
    def closed(self) -> bool:
        """True if no more messages can arrive."""
        return self.channel.closed

    def close(self) -> None:
        """Close the channel."""
        self.channel.close()

    def fileno(self) -> int:
        """Return the channel's descriptor, for ``wait``."""
        return self.channel.fileno()

    def messages(self) -> Iterator[Any]:
        """Yield the complete messages received so far; close the channel if its other end is closed."""
        try:
            while not self.closed:
                yield from self._read()
        except BlockingIOError:                                          # nothing more for now
            pass
        except (EOFError, OSError):
            self.close()

    def _read(self) -> Iterator[Any]:
        chunk = self.channel.socket.recv(CHUNK)                          # may return less
        if not chunk:
            raise EOFError
        self.unread += chunk
        while (message := self._taken()) is not None:
            yield pickle.loads(message)

    def _taken(self) -> bytes | None:
        """Return the next message's pickle, or None."""
        if len(self.unread) < LENGTH.size:
            return None
        end = LENGTH.size + LENGTH.unpack_from(self.unread)[0]
        if len(self.unread) < end:
            return None
        message = bytes(self.unread[LENGTH.size:end])
        del self.unread[:end]
        return message
