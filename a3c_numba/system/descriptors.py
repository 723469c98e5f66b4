"""Descriptors of open files and sockets: those that travel to a worker, and the three that every program has."""

import os
from typing import NoReturn


class Descriptor:
    """Pickled in the request for a worker, it is a descriptor of the same file there; it goes nowhere else."""

    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        """Return the descriptor in this process."""
        return self.number

    def __reduce__(self) -> NoReturn:
        raise TypeError("shared memory and channels can be sent only with worker_server.start, to a new worker")


def reserve_standard_descriptors() -> None:
    """Reopen closed standard descriptors (a shell's "2>&-") on /dev/null.

    Otherwise a shared-memory file could become descriptor 2, and C error output would overwrite theta.  Moving that
    file is not enough: mmap has a second descriptor, which it chooses itself.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
