"""From two (h, w) grey screens to the newest 84x84 plane of the observation, pixel for pixel as OpenCV resizes.

Area interpolation, along one axis of n pixels made m:  output d averages the interval [d n/m, (d+1) n/m), so

    y[d] = sum_k weights[k, d] x[first[d] + k]            weights[:, d] = covered length / (n/m)

Columns first, h lines of 84, then rows.  OpenCV's sums are of float32 products and are rounded half to even; as the
exact average often ends in .5 (its denominator is 200 for a 210x160 screen), the pixel depends on each rounding on
the way.  Hence one loop for the products and another for the sum: no compiler can fuse the two into one operation,
and every rounding stays where OpenCV has it.

Most lines of a screen are the same as four frames before: only the ones that changed are narrowed anew.

Source: the observation of Mnih et al. (2015), "Human-level control through deep reinforcement learning", Methods;
the resize is that of ``cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA)``.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ..core.kernel import kernel

SIDE = 84  # pixels: height and width of an observation


@kernel
def pool(older, newest, pooled, changed):
    """pooled <- max(older, newest), all (h, w) uint8; changed (h,) says which lines of ``pooled`` are new."""
    for y in range(pooled.shape[0]):
        difference = np.uint8(0)
        for x in range(pooled.shape[1]):
            pixel = max(older[y, x], newest[y, x])
            difference |= pixel ^ pooled[y, x]
            pooled[y, x] = pixel
        changed[y] = difference != 0


@kernel
def narrow(pooled, changed, first, weights, products, lines):
    """lines (h, 84) float32 <- the columns of ``pooled`` averaged, where changed; products (84,) is scratch."""
    for y in range(pooled.shape[0]):
        if changed[y]:
            source = pooled[y]
            line = lines[y]
            line[:] = 0
            for k in range(weights.shape[0]):
                weight = weights[k]
                for d in range(products.shape[0]):
                    products[d] = np.float32(source[first[d] + k]) * weight[d]
                for d in range(products.shape[0]):  # apart from the products: see the top of the file
                    line[d] += products[d]


@kernel
def shorten(lines, changed, first, weights, products, sums, plane):
    """plane (84, 84) uint8 <- the rows of ``lines`` (h, 84) averaged and rounded half to even, where one changed.

    products, sums (84,) float32 are scratch.
    """
    for row in range(plane.shape[0]):
        if changed[first[row] : first[row] + weights.shape[0]].any():
            sums[:] = 0
            for k in range(weights.shape[0]):
                line = lines[first[row] + k]
                weight = weights[k, row]
                for d in range(products.shape[0]):
                    products[d] = line[d] * weight
                for d in range(products.shape[0]):
                    sums[d] += products[d]
            for d in range(products.shape[0]):
                plane[row, d] = np.uint8(np.rint(sums[d]))


@kernel
def push(plane, stack):
    """Move each plane of the stack (84 * 84, planes) uint8 one place towards the oldest; ``plane`` is the newest.

    Planes are the last axis, so one byte to the left does it: what this leaves in the newest is overwritten.
    """
    flat = stack.reshape(-1)
    for i in range(flat.shape[0] - 1):
        flat[i] = flat[i + 1]
    pixels = plane.reshape(-1)
    for i in range(pixels.shape[0]):
        stack[i, stack.shape[1] - 1] = pixels[i]


def area_taps(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The source pixels and weights of each of m outputs over n inputs: first (m,), weights (taps, m).

    Computed in float64 and rounded once, overlaps under a thousandth of a pixel dropped, as OpenCV does.
    """
    scale = n / m
    starts = [math.floor(d * scale + 1e-3) for d in range(m)]
    taps = max(math.ceil((d + 1) * scale - 1e-3) - starts[d] for d in range(m))
    first = np.minimum(starts, n - taps).astype(np.int64)
    weights = np.zeros((taps, m), np.float32)
    for d in range(m):
        begin, end = d * scale, min((d + 1) * scale, n)
        for k in range(taps):
            x = int(first[d]) + k
            overlap = min(x + 1, end) - max(x, begin)
            if overlap > 1e-3:
                weights[k, d] = overlap / (end - begin)
    return first, weights


class Observation:
    """The stack of the newest ``planes`` pooled screens, kept in buffers that are made once.

    older, newest: (height, width) uint8 grey, for the caller to fill before ``add`` or ``fill``.
    stack: (84, 84, planes) uint8, the newest plane last; the next ``add`` overwrites it.
    """

    def __init__(self, height: int, width: int, planes: int):
        self.older = np.zeros((height, width), np.uint8)
        self.newest = np.zeros((height, width), np.uint8)
        self.stack = np.zeros((SIDE, SIDE, planes), np.uint8)
        self._pooled = np.zeros((height, width), np.uint8)
        self._changed = np.zeros(height, np.bool_)
        self._lines = np.zeros((height, SIDE), np.float32)  # of a black screen, as _pooled is
        self._products = np.zeros(SIDE, np.float32)
        self._sums = np.zeros(SIDE, np.float32)
        self._plane = np.zeros((SIDE, SIDE), np.uint8)
        self._pixels = self.stack.reshape(SIDE * SIDE, planes)
        self._columns = area_taps(width, SIDE)
        self._rows = area_taps(height, SIDE)

    def add(self) -> None:
        """The maximum of ``older`` and ``newest`` becomes the newest plane, the oldest leaves."""
        self._shrink()
        push(self._plane, self._pixels)

    def fill(self) -> None:
        """The maximum of ``older`` and ``newest`` becomes every plane."""
        self._shrink()
        self.stack[:] = self._plane[:, :, None]

    def _shrink(self) -> None:
        pool(self.older, self.newest, self._pooled, self._changed)
        narrow(self._pooled, self._changed, *self._columns, self._products, self._lines)
        shorten(self._lines, self._changed, *self._rows, self._products, self._sums, self._plane)
