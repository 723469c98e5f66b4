"""Numba's compiler with a fault-tolerant cache on disk.

The cache only saves time.  A fault in it costs one warning a process, and a compilation.

It lies in NUMBA_CACHE_DIR or in the user's cache folder, never beside the package: after an uninstallation the folder
of the package would remain, and Python would import it as an empty namespace.  Numba keys it by the path of the folder
that a kernel's file is in, and by the file's content.
"""

import logging
import warnings
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.sigutils import normalize_signature

from .cache_folder import cache_folder

# The flags that let LLVM vectorise a sum, without those that let it assume that there is no NaN.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

_faults: list[str] = []        # of the cache, in this process; the first one is reported


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function: compile it with Numba's ``options`` at the first call, and cache the machine code.

    If no folder is writable, each process compiles the function again.
    """
    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher: Any = numba.njit(**options)(function)
        if dispatcher is not function:                                   # NUMBA_DISABLE_JIT returns it unchanged
            dispatcher.compile = _quiet(dispatcher.compile)
            try:
                with _own_folder():
                    dispatcher._cache = _Cache(function)                 # as njit(cache=True), with another class
            except (RuntimeError, OSError) as error:
                _report(error)
        return dispatcher
    return decorate


def _quiet(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method without Numba's debugging lines, thousands a kernel, in the log of a program.

    A program that has set the level of the logger "numba" gets what it asks for.
    """
    def compile_quietly(signature: object) -> Any:
        logger = logging.getLogger("numba")
        if logger.level or not logger.isEnabledFor(logging.DEBUG):
            return compile_(signature)
        logger.setLevel(logging.INFO)
        try:
            return compile_(signature)
        finally:
            logger.setLevel(logging.NOTSET)
    return compile_quietly


@contextmanager
def _own_folder() -> Iterator[None]:
    """Let caches that are made here lie in the user's cache folder, unless NUMBA_CACHE_DIR names another one."""
    config: Any = numba.config
    given = config.CACHE_DIR
    config.CACHE_DIR = given or str(cache_folder() / "kernels")
    try:
        yield
    finally:
        config.CACHE_DIR = given


class _Files(CompileResultCacheImpl):
    """Numba's files of one kernel, without its two other places: beside the source, and a folder of Numba's own."""

    _locator_classes = [cls for cls in CompileResultCacheImpl._locator_classes
                        if not cls.__name__.strip("_").startswith(("InTree", "UserWide"))]


class _Cache(FunctionCache):
    """Numba's cache of one kernel.  An unreadable file counts as missing; the next save replaces it."""

    _impl_class = _Files

    def load_overload(self, signature: object, target: object) -> object:
        """Return the cached code for ``signature``, or None if there is none that can be used."""
        try:
            found = super().load_overload(signature, target)
            if found and found.signature.args != normalize_signature(signature)[0]:
                raise ValueError(f"the file holds {found.signature}")    # left by two processes that wrote at once
            return found
        except Exception as error:                                       # whatever unpickling half a file may raise
            _report(error)
            return None

    def save_overload(self, signature: object, result: object) -> None:
        """Save ``result`` for the next process, if possible."""
        try:
            super().save_overload(signature, result)
        except OSError as error:                                         # a full disk: what is there may be sound
            _report(error)
        except Exception:                                                # the index, which is read before it is written
            try:
                self.flush()
                super().save_overload(signature, result)
            except Exception as error:
                _report(error)


def _report(error: Exception) -> None:
    if not _faults:
        warnings.warn(f"Numba's cache failed, kernels are compiled anew: {type(error).__name__}: {error}", stacklevel=2)
    _faults.append(str(error))
