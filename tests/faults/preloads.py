"""What the server of a program in test_starts.py imports in place of its preload: its ``os.fork`` does not work."""

import errno
import os
import signal
import sys

how = os.environ["FORK"]
fork, forked = os.fork, []
if how == "cannot be imported":
    raise ImportError("no such library")
if how == "exits":
    sys.exit(5)


def broken():
    """As the environment variable FORK says."""
    if how == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "refused" or len(forked) == 2:                             # "two": there is room for two
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    forked.append(True)
    return fork()


os.fork = broken
