"""Which patches of an image differ from the image before.

Successive images of a game differ in few places: of Pong's 400 patches under the paper's first layer 30 change from one
step to the next.  Inside a rollout theta' does not change, so that a patch that stayed the same gives the same output,
and its terms in the gradient can be added up before they are multiplied (conv2d_tiled.py, ``backward_weight``).

``step`` hands on from layer to layer which places (H, W) have changed: pixels, then patches, then patches of patches.
"""

import numpy as np

from ..kernel import kernel


def changed_pixels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The pixels (H, W), bool, whose channels are not the same in two contiguous images (H, W, C)."""
    if after.dtype == np.uint8 and after.shape[2] == 4:                  # four bytes can be compared as one number
        return before.view(np.uint32)[:, :, 0] != after.view(np.uint32)[:, :, 0]
    return (before != after).any(axis=2)


@kernel
def mark_patches(changed, k, stride, fresh):
    """fresh (h, v) <- which patches, of side k, contain a changed pixel; changed (H, W) bool."""
    (H, W), (h, v) = changed.shape, fresh.shape
    fresh[:] = False
    for i in range(H):
        count = 0
        for j in range(W):
            count += changed[i, j]
        if count:
            first, last = max(0, (i - k) // stride + 1), min(h, i // stride + 1)       # the patches with this line
            for j in range(W):
                if changed[i, j]:
                    for a in range(first, last):
                        for q in range(max(0, (j - k) // stride + 1), min(v, j // stride + 1)):
                            fresh[a, q] = True
