"""Atomic fetch-and-add on a word that several processes share: add, and return the value before.

It is sequentially consistent: what a process wrote before its addition is seen by a process whose own call, which may
add 0, returns the sum.  With ordinary writes and reads a weakly ordered processor (ARM) may show the sum first.

All workers do the paper's T <- T + t concurrently, and exactly one of them has to detect that T crosses a multiple of
I_target.  With a read, an addition and a write, two workers could both detect it, or lose each other's steps; an atomic
fetch-and-add needs no lock and returns every step count to exactly one worker.
"""

# mypy: disable-error-code="attr-defined"

import numpy as np
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from .numba_cache import compiled

kernel = compiled(nogil=True)  # an addition of integers: no flag of core/kernel could change it


@intrinsic
def _fetch_add(context, words, n):  # type: ignore[no-untyped-def]
    """Add n to words[0] in one atomic instruction; return the value before."""
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0])
        return builder.atomic_rmw("add", array.data, arguments[1], "seq_cst")
    return types.int64(words, types.int64), generate


@kernel
def _add(words, n):
    """Add n to words[0] atomically; return the value before."""
    return _fetch_add(words, n)


def fetch_add(words: np.ndarray, n: int) -> int:
    """Add n to words[0], for int64 ``words``, atomically; return the value before.

    Under ``NUMBA_DISABLE_JIT=1``, for debugging, it is an ordinary addition, which concurrent workers may lose; with n
    = 0 nothing is written.
    """
    if config.DISABLE_JIT:
        before = int(words[0])
        if n:
            words[0] += n
        return before
    return int(_add(words, np.int64(n)))
