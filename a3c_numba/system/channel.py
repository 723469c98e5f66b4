"""Messages between two processes, over a pair of connected sockets: 8 bytes of length, then a pickle."""

import pickle
import selectors
import socket
import struct
from typing import Any, Sequence

from .descriptors import Descriptor, reserve_standard_descriptors

LENGTH = struct.Struct("!Q")
CHUNK = 1 << 20                # maximum number of bytes read at once


class Channel:
    """One end of the pair.  An argument of ``worker_server.start`` is the same end in the worker."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end

    @classmethod
    def pair(cls) -> tuple["Channel", "Channel"]:
        """Return the two ends; what is sent into one is received from the other."""
        ours, theirs = socket_pair()
        return cls(ours), cls(theirs)

    def __reduce__(self) -> tuple[object, ...]:
        return _from_descriptor, (Descriptor(self.fileno()),)

    @property
    def closed(self) -> bool:
        """True after ``close``."""
        return self.socket.fileno() < 0

    def close(self) -> None:
        """Close this end."""
        self.socket.close()

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the descriptor, for ``wait``."""
        return self.socket.fileno()

    def send(self, message: object) -> None:
        """Pickle and send a message; block until it is sent.  Raises OSError if the other end is closed."""
        self.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def send_bytes(self, content: bytes) -> None:
        """Send bytes that ``recv`` unpickles."""
        self.socket.sendall(LENGTH.pack(len(content)) + content)

    def recv(self) -> Any:
        """Wait for a message.  Raises EOFError or OSError if there can be no more."""
        length, = LENGTH.unpack(self._exactly(LENGTH.size))
        return pickle.loads(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        content = bytearray()
        while len(content) < count:
            chunk = self.socket.recv(min(count - len(content), CHUNK))
            if not chunk:
                raise EOFError
            content += chunk
        return bytes(content)

    def poll(self, seconds: float = 0.0) -> bool:
        """True if there is something to receive, or the other end is closed, within ``seconds``."""
        return bool(wait([self], seconds))

    def peer_closed(self) -> bool:
        """True if the other end is closed and all has been received; does not wait."""
        try:
            return not self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True


def _from_descriptor(descriptor: Descriptor) -> Channel:
    return Channel(socket.socket(fileno=descriptor.fileno()))


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets, whose descriptors are no standard ones."""
    reserve_standard_descriptors()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(None)                                             # whatever the program's default is
    return ours, theirs


def wait(ends: Sequence[Any], seconds: float | None = None) -> list[Any]:
    """Wait until some of ``ends``, which have a ``fileno``, can be read; return these, none after ``seconds``."""
    with _Selector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]


# Without a descriptor of its own, which epoll has; on Windows there is no poll.
_Selector: Any = getattr(selectors, "PollSelector", selectors.SelectSelector)
