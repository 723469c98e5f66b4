"""The one decorator that every kernel of this package wears.

A kernel is a plain-loop function over arrays and scalars.  It calls only kernels of its own file (Numba's cache on
disk is keyed on that file and misses edits elsewhere), allocates nothing and draws no random numbers.  Signatures are
lazy: the kernel that trains in float32 is the very one that a gradient check runs in float64.

``NUMBA_DISABLE_JIT=1`` in the environment runs every kernel as ordinary Python, for a debugger or a doubt.
"""

from typing import Any, Callable

from ..system.numba_cache import compiled

# Everything that lets LLVM vectorise a sum, and nothing that lets it assume a NaN away: NaN must stay visible.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` with Numba at its first call, and keep the machine code on disk for the next process.

    Where no folder is writable the kernel is compiled anew in each process.
    """
    return compiled(fastmath=FASTMATH, error_model="numpy", nogil=True)(function)
