"""Make this thread compute with 0 in place of subnormal numbers, which most processors are slow with.

A float32 below 1.2e-38 is subnormal.  On Intel processors each operation that reads or makes one costs about a
hundred cycles.  RMSProp's g <- 0.99 g, for a weight that gets no gradient, reaches such numbers after 8,700 updates
and sticks at 7e-44, where rounding undoes the multiplication; the mean of momentum SGD does the same.  A run of the
paper's network then slows down by half.

A bit of the processor's floating-point control register makes subnormal results 0 (flush to zero), and another one
reads subnormal operands as 0; on ARM one bit does both.  The register belongs to the thread.  So each worker sets the
bits once, and the user's own process keeps IEEE arithmetic.

A floor inside RMSProp, g <- alpha g + (1 - alpha) d^2 + 1e-30, costs no time either, but it fixes RMSProp only and
changes its formula.
"""

# mypy: disable-error-code="attr-defined, no-untyped-def"
import platform
from contextlib import contextmanager
from typing import Iterator

import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from .numba_cache import compiled

kernel = compiled(nogil=True)

WORD, LONG, NOTHING, BYTES = ir.IntType(32), ir.IntType(64), ir.VoidType(), ir.IntType(8).as_pointer()
ADDRESS_TAKER = ir.FunctionType(NOTHING, [BYTES])
X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
ARM = platform.machine().lower() in ("aarch64", "arm64")
FLUSH = 0x8040 if X86 else 1 << 24               # MXCSR: flush to zero, denormals are zero; FPCR: flush to zero


def emit_read(builder, x86=X86):
    """Write the instructions that read the control register (MXCSR or FPCR) as a 32-bit word."""
    if not x86:
        return builder.trunc(_call(builder, "llvm.aarch64.get.fpcr", ir.FunctionType(LONG, [])), WORD)
    place = cgutils.alloca_once(builder, WORD)
    _call(builder, "llvm.x86.sse.stmxcsr", ADDRESS_TAKER, builder.bitcast(place, BYTES))
    return builder.load(place)


def emit_write(builder, word, x86=X86):
    """Write the instructions that set the control register to ``word``."""
    if not x86:
        _call(builder, "llvm.aarch64.set.fpcr", ir.FunctionType(NOTHING, [LONG]), builder.zext(word, LONG))
        return
    place = cgutils.alloca_once(builder, WORD)
    builder.store(word, place)
    _call(builder, "llvm.x86.sse.ldmxcsr", ADDRESS_TAKER, builder.bitcast(place, BYTES))


def _call(builder, name, kind, *arguments):
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


@intrinsic
def _read(typing):
    def emit(context, builder, signature, arguments):
        return emit_read(builder)
    return types.uint32(), emit


@intrinsic
def _write(typing, word):
    def emit(context, builder, signature, arguments):
        emit_write(builder, arguments[0])
        return context.get_dummy_value()
    return types.void(types.uint32), emit


@kernel
def read_control():
    """Return the floating-point control register of this thread."""
    return _read()


@kernel
def write_control(word):
    """Set the floating-point control register of this thread to ``word`` (uint32)."""
    _write(word)


def flush_subnormals() -> None:
    """Make this thread treat subnormal numbers as 0 from now on, in Numba's kernels and in NumPy.

    Does nothing on processors other than x86 and ARM, and with ``NUMBA_DISABLE_JIT=1``.
    """
    if (X86 or ARM) and not config.DISABLE_JIT:
        write_control(np.uint32(read_control() | FLUSH))


@contextmanager
def subnormals_flushed() -> Iterator[None]:
    """Run a block with ``flush_subnormals`` and restore the thread's own setting after it."""
    if not (X86 or ARM) or config.DISABLE_JIT:
        yield
        return
    before = np.uint32(read_control())
    flush_subnormals()
    try:
        yield
    finally:
        write_control(before)
