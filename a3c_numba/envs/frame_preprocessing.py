"""Resize the maximum of two (h, w) grey screens to the newest 84x84 plane, with exactly OpenCV's pixels.

Area interpolation along one axis, from n pixels to m:  output d averages the interval [d n/m, (d+1) n/m), so

    y[d] = sum_k weights[k, d] x[first[d] + k]            weights[:, d] = covered length / (n/m)

Columns first, h lines of 84, then rows.  OpenCV adds float32 products and rounds half to even.  The exact average
often ends in .5 (its denominator is 200 for a 210x160 screen), so the pixel depends on every intermediate rounding.
Hence the products and the sum are separate loops: the compiler cannot fuse them into one operation, and every
rounding is the same as OpenCV's.

Most lines of a screen are the same as four frames before; only changed lines are computed again.

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
    """Set pooled to max(older, newest), all (h, w) uint8; set changed (h,) to the lines of ``pooled`` that differ."""
    for y in range(pooled.shape[0]):
        difference = np.uint8(0)
        for x in range(pooled.shape[1]):
            pixel = max(older[y, x], newest[y, x])
            difference |= pixel ^ pooled[y, x]
            pooled[y, x] = pixel
        changed[y] = difference != 0


@kernel
def narrow(pooled, changed, first, weights, products, lines):
    """Average the columns of ``pooled`` into lines (h, 84) float32, in changed lines; products (84,) is scratch."""
    for y in range(pooled.shape[0]):
        if changed[y]:
            source = pooled[y]
            line = lines[y]
            line[:] = 0
            for k in range(weights.shape[0]):
                weight = weights[k]
                for d in range(products.shape[0]):
                    products[d] = np.float32(source[first[d] + k]) * weight[d]
                for d in range(products.shape[0]):  # separate from the products: see the top of the file
                    line[d] += products[d]


@kernel
def shorten(lines, changed, first, weights, products, sums, plane):
    """Average the rows of ``lines`` (h, 84) into plane (84, 84) uint8, rounded half to even, if any has changed.

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
    """Move each plane of the stack (84 * 84, planes) uint8 one place towards the oldest; ``plane`` becomes the newest.

    Planes are the last axis, so all bytes move one place to the left; then the newest plane is overwritten.
    """
    flat = stack.reshape(-1)
    for i in range(flat.shape[0] - 1):
        flat[i] = flat[i + 1]
    pixels = plane.reshape(-1)
    for i in range(pixels.shape[0]):
        stack[i, stack.shape[1] - 1] = pixels[i]


def area_taps(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the first source pixel (m,) and the weights (taps, m) of each of m outputs over n inputs.

    As in OpenCV, weights are computed in float64 and rounded once, and overlaps below 0.001 pixel are dropped.
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
    """The stack of the newest ``planes`` pooled screens, in buffers that are allocated once.

    older, newest: (height, width) uint8 grey; the caller writes them before ``add`` or ``fill``.
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
        """Append the maximum of ``older`` and ``newest`` as the newest plane; drop the oldest."""
        self._shrink()
        push(self._plane, self._pixels)

    def fill(self) -> None:
        """Set every plane to the maximum of ``older`` and ``newest``."""
        self._shrink()
        self.stack[:] = self._plane[:, :, None]

    def _shrink(self) -> None:
        pool(self.older, self.newest, self._pooled, self._changed)
        narrow(self._pooled, self._changed, *self._columns, self._products, self._lines)
        shorten(self._lines, self._changed, *self._rows, self._products, self._sums, self._plane)
