"""The decorator of all kernels.

A kernel is a plain-loop function over arrays and scalars.  It calls only kernels of its own file (Numba's cache on
disk is keyed on that file and misses edits elsewhere), allocates nothing and draws no random numbers.  Signatures are
lazy: training runs a kernel in float32, and a gradient check runs the same kernel in float64.

With ``NUMBA_DISABLE_JIT=1`` in the environment every kernel runs as ordinary Python, for a debugger.
"""

from typing import Any, Callable

from ..system.numba_cache import FASTMATH, compiled


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` with Numba at its first call, and keep the machine code on disk for the next process.

    If no folder is writable, every process compiles the kernel again.
    """
    return compiled(fastmath=FASTMATH, error_model="numpy", nogil=True)(function)
