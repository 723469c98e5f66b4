"""Numba's compiler with a fault-tolerant cache on disk.

The cache only saves time.  Any fault in it costs one warning a process, and a compilation.
"""

import warnings
from typing import Any, Callable

import numba
from numba.core.caching import FunctionCache
from numba.core.sigutils import normalize_signature

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
            try:
                dispatcher._cache = _Cache(function)                     # as njit(cache=True), with another class
            except (RuntimeError, OSError) as error:
                _report(error)
        return dispatcher
    return decorate


class _Cache(FunctionCache):
    """Numba's cache of one kernel.  An unreadable file counts as missing; the next save replaces it."""

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
