"""Optional kernels: the same sums as the layers in ``core``, faster, with the shapes and the memory of NumPy arrays.

    conv2d_tiled      a convolution and its gradients, with the sums in vector registers
    dot_tile          d_y W^T, likewise
    interleaved_frames    stacks of frames that are stored once each
    fresh_patches     which patches of an image differ from the previous image: the others are not computed again

Numba translates Python to LLVM instructions, and LLVM translates those to machine code.  A call of an ``@intrinsic``
inserts the instructions that its ``emit`` writes: ``builder.fadd(a, b)`` writes "add a and b".  A Python loop in
``emit`` writes its body many times; ``for_range`` writes a loop.  Shapes are not checked: a wrong one corrupts memory.
"""

from ..system.numba_cache import FASTMATH, compiled

kernel = compiled(fastmath=FASTMATH, error_model="numpy", nogil=True)    # the decorator of all kernels, as in core
