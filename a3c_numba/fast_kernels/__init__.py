"""Optional kernels: the same sums as the layers in ``core``, faster, with the shapes and the memory of NumPy arrays.

    conv2d_tiled      a convolution and its gradients, with the sums in vector registers
    dot_tile          d_y W^T, likewise
    fresh_patches     which patches of an image differ from the previous image: the others are not computed again
"""

from ..system.numba_cache import FASTMATH, compiled

kernel = compiled(fastmath=FASTMATH, error_model="numpy", nogil=True)    # the decorator of all kernels, as in core
