"""Mark the patches of an image that differ from the previous image ("fresh" patches).

Successive images of a game differ in few places: of the 400 patches of Pong's first layer about 30 change per step.
Inside a rollout theta' does not change, so an unchanged patch gives the same output, and its terms in the gradient
can be added up before they are multiplied (conv2d_tiled.py, ``backward_weight``).

``step`` passes the changed places (H, W) from layer to layer: pixels, then patches, then patches of patches.
"""

import numpy as np

from . import kernel


@kernel
def compare_pixels(before, after, changed):
    """Set changed (H, W) bool to True at the pixels that differ between two images (H, W, C)."""
    H, W, C = before.shape
    for i in range(H):
        for j in range(W):
            changed[i, j] = False
            for c in range(C):
                if before[i, j, c] != after[i, j, c]:
                    changed[i, j] = True


def changed_pixels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return (..., H, W) bool: True at the pixels that differ between contiguous images (..., H, W, C)."""
    if after.dtype == np.uint8 and after.shape[-1] == 4:                 # compare four bytes as one number
        return before.view(np.uint32)[..., 0] != after.view(np.uint32)[..., 0]
    changed = np.empty(after.shape[:-1], np.bool_)
    lines = -1, *after.shape[-2:]
    compare_pixels(before.reshape(lines), after.reshape(lines), changed.reshape(lines[:2]))
    return changed


@kernel
def mark_patches(changed, k, stride, line, fresh):
    """Set fresh (n, h, v) to True at the patches, of side k, with a changed pixel; changed (n, H, W) bool.

    line (W,) bool is scratch.
    """
    (n, h, v), W = fresh.shape, len(line)
    for t in range(n):
        for a in range(h):
            line[:] = False
            for i in range(a * stride, a * stride + k):
                for j in range(W):
                    line[j] |= changed[t, i, j]                          # of all lines of these patches
            for q in range(v):
                differs = False
                for j in range(q * stride, q * stride + k):
                    differs |= line[j]
                fresh[t, a, q] = differs
