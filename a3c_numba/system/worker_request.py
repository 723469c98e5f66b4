"""What a worker is asked to do: a function and its arguments, and where its code is to be found.

The function and its arguments are pickled by cloudpickle: what the main program, a notebook's cell or a console defines
travels whole, and the program is not imported.  All of it lies in a file without a name, whose descriptor is sent to
the worker, followed by those of the shared memory and the channels among the arguments.  So the main process never
waits for a worker to read.
"""

import importlib
import io
import os
import pickle
import sys
from contextlib import suppress
from typing import BinaryIO, Callable

import cloudpickle

from .descriptors import Descriptor, reserve_standard_descriptors
from .shared_memory import FOLDERS, anonymous_file
from .threads import use_one_thread


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Notes the descriptors that it meets, and writes their places in the list."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.descriptors: list[int] = []

    def persistent_id(self, thing: object) -> int | None:
        """Return a descriptor's place; None for anything else, which is pickled."""
        if type(thing) is not Descriptor:
            return None
        self.descriptors.append(thing.fileno())
        return len(self.descriptors) - 1


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, descriptors: list[int]) -> None:
        super().__init__(file)
        self.descriptors = descriptors

    def persistent_load(self, place: int) -> Descriptor:
        """Return the descriptor at that place."""
        return Descriptor(self.descriptors[place])


def write_request(target: Callable[..., None], arguments: tuple[object, ...]) -> tuple[int, list[int]]:
    """Return a file with the request, which the caller closes, and the descriptors that belong to it.

    Raises what pickling raises, and OSError if there is no space for the file.
    """
    content = io.BytesIO()
    pickler = _Pickler(content)
    pickler.dump((target, arguments))
    surroundings = sys.path, dict(os.environ), _folder()
    return _written(pickle.dumps(surroundings) + content.getvalue()), pickler.descriptors


def _folder() -> str | None:
    with suppress(OSError):                                              # it was removed
        return os.getcwd()
    return None


def _written(content: bytes) -> int:
    """Return a file with this content, in memory if possible."""
    reserve_standard_descriptors()
    for folder in FOLDERS:
        try:
            file = anonymous_file(folder)
        except OSError as error:
            failed = error
            continue
        try:
            with open(file, "wb", closefd=False) as stream:
                stream.write(content)
            os.lseek(file, 0, os.SEEK_SET)
            return file
        except OSError as error:
            failed = error
            os.close(file)
    raise failed


def read_request(file: int, descriptors: list[int]) -> Callable[[], None]:
    """Take over the main process's ``sys.path``, environment variables and folder; return the function to call.

    Raises what unpickling raises.
    """
    with open(file, "rb") as stream:
        path, environ, folder = pickle.load(stream)
        sys.path[:] = path
        importlib.invalidate_caches()                                    # of folders that were read before
        os.environ.clear()
        os.environ.update(environ)
        use_one_thread()
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)
        target, arguments = _Unpickler(stream, descriptors).load()
    return lambda: target(*arguments)
