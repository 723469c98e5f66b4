"""Convolution over images, as a matrix product of patches.

Images are (n, H, W, C), channels last; no padding.  With a square kernel of side k and a stride s, output position
(a, b) sees the patch of rows a s .. a s + k - 1 and columns b s .. b s + k - 1.  A flattened patch has K = k k C
numbers in the order (row, column, channel).  The weight is (K, O) in the same order, so for every image

    y = P W + b                        P (h w, K) patches, y (h w, O)

    d_W += P^T d_y                     d_b += sum over positions of d_y
    d_P  = d_y W^T                     d_x = every d_P added back to where its patch was cut (patches overlap if k > s)

P is a strided view of x and costs one copy: with channels last, the k columns of a patch row and all their channels
are contiguous in memory.

If the processor's vectors are wide enough, ``conv2d_tiled.py`` computes the same sums without copying patches, and
``step`` computes only the patches that differ from the previous image (fresh_patches.py); both are in fast_kernels/.
"""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from ...fast_kernels import conv2d_tiled, fresh_patches
from ..kernel import kernel
from ..parameters import Shape, Tree
from .base import Cache, Changed, Layer
from .initializers import Initializer, fan_in_uniform


def output_side(side: int, k: int, stride: int) -> int:
    """Return how many patches fit along ``side`` pixels."""
    return (side - k) // stride + 1


def patches_of(x: np.ndarray, k: int, stride: int) -> np.ndarray:
    """Return a view (h, w, k, k C) of the patches of one image x (H, W, C), which is C-contiguous."""
    H, W, C = x.shape
    a, b, c = x.strides
    shape = (output_side(H, k, stride), output_side(W, k, stride), k, k * C)
    return as_strided(x, shape, (a * stride, b * stride, a, c), writeable=False)


@kernel
def add_patches(d_patches, k, stride, d_x):
    """Set d_x (H, W, C) to 0, then add each of d_patches (h, w, k, k C) at the place of its patch in the image."""
    d_x[:] = 0
    h, w, _, width = d_patches.shape
    C = d_x.shape[2]
    for a in range(h):
        for b in range(w):
            for row in range(k):
                line = d_x[a * stride + row].reshape(-1)
                start = b * stride * C
                for j in range(width):
                    line[start + j] += d_patches[a, b, row, j]           # patch[row, j] = line[start + j]


class Conv2d(Layer[np.ndarray]):
    """A convolution of (H, W, C) images with ``outputs`` filters of side ``k``."""

    def __init__(self, input_shape: Shape, outputs: int, k: int, stride: int,
                 initialize: Initializer = fan_in_uniform) -> None:
        H, W, C = input_shape
        self.input_shape = input_shape
        self.output_shape = (output_side(H, k, stride), output_side(W, k, stride), outputs)
        self.shapes: dict[str, Shape] = {"weight": (k * k * C, outputs), "bias": (outputs,)}
        self.k, self.stride, self.initialize = k, stride, initialize

    def init(self, p: Tree, rng: np.random.Generator) -> None:
        self.initialize(p["weight"], p["bias"], rng)

    def cache(self, rows: int, dtype: npt.DTypeLike) -> "ConvCache":
        return ConvCache(self, rows, dtype)

    def forward(self, p: Tree, x: np.ndarray, cache: "ConvCache", rows: slice) -> np.ndarray:
        y = cache.y[rows]
        if cache.tiled:
            cache.fresh[rows] = True
            conv2d_tiled.forward(x, p["weight"], p["bias"], self.k, self.stride, y)
            return y
        for image, out in zip(x, y.reshape(len(y), len(cache.P), -1)):
            cache.patches[:] = patches_of(image, self.k, self.stride)
            np.matmul(cache.P, p["weight"], out=out)                     # y = P W
            out += p["bias"]                                             # + b
        return y

    def step(self, p: Tree, x: np.ndarray, cache: "ConvCache", t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """Compute y of row t; an unchanged patch keeps its y of row t - 1."""
        if changed is None or not cache.tiled:
            return self.forward(p, x[t:t + 1], cache, slice(t, t + 1)), None
        fresh = self.forward_fresh(p, x, cache, slice(t, t + 1), changed[None])
        return cache.y[t:t + 1], fresh[0]

    def forward_fresh(self, p: Tree, x: np.ndarray, cache: "ConvCache", rows: slice, changed: np.ndarray) -> np.ndarray:
        """Compute the same for ``rows``; changed (n, H, W), of row 0 all True.  Return which y may have changed."""
        y, fresh, k = cache.y, cache.fresh, self.k
        fresh_patches.mark_patches(changed, k, self.stride, cache.line, fresh[rows])
        conv2d_tiled.forward_fresh(x, fresh, p["weight"], p["bias"], k, self.stride, rows.start, rows.stop, y)
        return fresh[rows]

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: "ConvCache", d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray | None:
        k, stride, d_x = self.k, self.stride, cache.d_x[:len(x)]
        if cache.tiled:
            fresh = cache.fresh[:len(x)]
            conv2d_tiled.backward_weight(x, fresh, d_y, k, stride, cache.scratch, d_p["weight"], d_p["bias"])
            if input_gradient:
                conv2d_tiled.backward_input(d_y, p["weight"], k, stride, d_x, cache.turned)
            return d_x if input_gradient else None
        for image, d_out, d_image in zip(x, d_y.reshape(len(x), len(cache.P), -1), d_x):
            cache.patches[:] = patches_of(image, k, stride)
            d_p["weight"] += cache.P.T @ d_out                           # y = P W
            d_p["bias"] += d_out.sum(axis=0)                             # + b
            if input_gradient:
                np.matmul(d_out, p["weight"].T, out=cache.d_P)           # y = P W
                add_patches(cache.d_patches, k, stride, d_image)         # P = patches of x
        return d_x if input_gradient else None


class ConvCache(Cache):
    """A layer's cache, and scratch of the kernels that it is computed with.

    P, d_P: (h w, K), of one image; patches, d_patches: the same memory, (h, w, k, k C).
    """

    def __init__(self, layer: Conv2d, rows: int, dtype: npt.DTypeLike) -> None:
        super().__init__(layer.input_shape, layer.output_shape, rows, dtype)
        (h, w, outputs), channels, k = layer.output_shape, layer.input_shape[2], layer.k
        side_by_side = outputs, layer.stride * channels, k % layer.stride * channels     # in y, and in d_x
        self.tiled = all(conv2d_tiled.supported(numbers, dtype) for numbers in side_by_side)
        if self.tiled:
            self.fresh = np.ones((rows, h, w), np.bool_)                 # patches that may differ from the row before
            self.line = np.empty(layer.input_shape[1], np.bool_)
            held, K = conv2d_tiled.HELD, k * k * channels + 16           # 1,024 bytes apart, rows share few cache lines
            shapes = (int(np.prod(layer.input_shape)),), layer.output_shape, (held, K), (held, outputs)
            self.scratch = tuple(np.empty(shape, dtype) for shape in shapes)
            self.turned = np.empty((k, outputs, k * channels), dtype)
        else:
            self.patches, self.d_patches = np.empty((2, h, w, k, k * channels), dtype)
            self.P, self.d_P = self.patches.reshape(h * w, -1), self.d_patches.reshape(h * w, -1)
