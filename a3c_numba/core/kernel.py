"""The one decorator that every kernel of this package wears.

A kernel is a plain-loop function over arrays and scalars.  It calls only kernels of its own file (Numba's cache on
disk is keyed on that file and misses edits elsewhere), allocates nothing and draws no random numbers.  Signatures are
lazy: the kernel that trains in float32 is the very one that a gradient check runs in float64.

The cache only saves time.  Whatever is wrong with it costs one warning a process, and a compilation.

``NUMBA_DISABLE_JIT=1`` in the environment runs every kernel as ordinary Python, for a debugger or a doubt.
"""

import warnings
from typing import Any, Callable

import numba
from numba.core.caching import FunctionCache
from numba.core.sigutils import normalize_signature

# Everything that lets LLVM vectorise a sum, and nothing that lets it assume a NaN away: NaN must stay visible.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

_faults: list[str] = []        # of the cache, in this process; the first one is told


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` with Numba at its first call, and keep the machine code on disk for the next process.

    Where no folder is writable the kernel is compiled anew in each process.
    """
    compiled: Any = numba.njit(fastmath=FASTMATH, error_model="numpy", nogil=True)(function)
    if compiled is not function:                                         # NUMBA_DISABLE_JIT gives it back as it is
        try:
            compiled._cache = _Cache(function)                           # as njit(cache=True), with another class
        except (RuntimeError, OSError) as error:
            _report(error)
    return compiled


class _Cache(FunctionCache):
    """Numba's cache of one kernel.  A file that cannot be read is one that is not there; the next save replaces it."""

    def load_overload(self, signature: Any, target: Any) -> Any:
        """What Numba once compiled for ``signature``; None where there is nothing, or nothing of use."""
        try:
            found = super().load_overload(signature, target)
            if found and found.signature.args != normalize_signature(signature)[0]:
                raise ValueError(f"the file holds {found.signature}")    # left by two processes that wrote at once
            return found
        except Exception as error:                                       # whatever unpickling half a file may raise
            _report(error)
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep ``result`` for the next process, if that can be done."""
        try:
            self._save(signature, result)
        except Exception as error:
            _report(error)

    def _save(self, signature: Any, result: Any) -> None:
        try:
            super().save_overload(signature, result)
        except OSError:                                                  # a full disk: what is there may be sound
            raise
        except Exception:                                                # the index, which is read before it is written
            self.flush()
            super().save_overload(signature, result)


def _report(error: Exception) -> None:
    if not _faults:
        warnings.warn(f"Numba's cache failed, kernels are compiled anew: {type(error).__name__}: {error}", stacklevel=2)
    _faults.append(str(error))
