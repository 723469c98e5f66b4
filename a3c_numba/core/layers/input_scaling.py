"""The input layer, which scales an image of bytes 0 .. 255 to real numbers.

    Scale     y = x / 255                                  the paper's: black is 0, white is 1
    Center    y = (x - median of the image's own bytes) / 128       (estimated from every 17th byte)

A screen is mostly background.  With ``Scale`` its grey level reaches every filter of the first layer at every
position, and dominates the gradient.  With ``Center`` the background is exactly 0, and moving objects stand out.  The
median is computed for each image, so nothing about a game has to be known or learned.

    dL/dx = dL/dy / 128     (the median held constant; only saliency maps need it)
"""

import numpy as np
import numpy.typing as npt

from ...fast_kernels.fresh_patches import changed_pixels
from ..kernel import kernel
from ..parameters import Shape, Tree
from .base import Cache, Changed, Layer

EVERY = 17                     # distance of the sampled bytes; coprime to the 4 frames of each pixel


@kernel
def scale(x, factor, y):
    """Set y (m,) to factor x (m,)."""
    for i in range(len(x)):
        y[i] = x[i]                                                      # factor * byte would be float64
        y[i] *= factor


@kernel
def median(x, counts):
    """Return the median of every EVERY-th of the bytes x (m,); counts (4, 256) is scratch."""
    counts[:] = 0
    for i in range(0, len(x), EVERY):
        counts[i % 4, x[i]] += 1                                         # the same count each time would have to wait
    left = (len(x) + EVERY - 1) // EVERY // 2
    for grey in range(256):
        left -= counts[0, grey] + counts[1, grey] + counts[2, grey] + counts[3, grey]
        if left < 0:
            return grey
    return 255


@kernel
def center(x, factor, counts, greys, y):
    """Set each row of y (n, m) to factor (x - grey), grey (n,) being the median of that row of the bytes x (n, m)."""
    for t in range(len(x)):
        greys[t] = median(x[t], counts)
        y[t, 0] = factor * greys[t]
        shift = y[t, 0]                                                  # has the dtype of y
        for i in range(x.shape[1]):
            y[t, i] = x[t, i]
            y[t, i] = factor * y[t, i] - shift


class Scale(Layer[np.ndarray]):
    """y = x / 255, for bytes x; without parameters."""

    shapes: dict[str, Shape] = {}
    factor = 1 / 255

    def __init__(self, shape: Shape) -> None:
        self.input_shape = self.output_shape = shape

    def forward(self, p: Tree, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        y = cache.y[rows]
        scale(x.reshape(-1), y.dtype.type(self.factor), y.reshape(-1))
        return y

    def step(self, p: Tree, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """Compute y of row t; of images, mark the changed pixels."""
        y = self.forward(p, x[t:t + 1], cache, slice(t, t + 1))
        return y, changed_pixels(x[t - 1], x[t]) if t and x.ndim == 4 else None

    def backward(self, p: Tree, d_p: Tree, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray:
        return np.multiply(d_y, self.factor, out=cache.d_x[:len(x)])     # y = factor x


class Center(Scale):
    """y = (x - median x) / 128, image by image."""

    factor = 1 / 128

    def cache(self, rows: int, dtype: npt.DTypeLike) -> Cache:
        cache = Cache(self.input_shape, self.output_shape, rows, dtype)
        cache.counts = np.zeros((4, 256), np.int64)                      # of a histogram
        cache.greys = np.zeros(rows, np.int64)                           # the medians
        return cache

    def forward(self, p: Tree, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        y, n = cache.y[rows], len(x)
        center(x.reshape(n, -1), y.dtype.type(self.factor), cache.counts, cache.greys[rows], y.reshape(n, -1))
        return y

    def step(self, p: Tree, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """Compute as ``Scale`` does; if the median has changed, mark all pixels."""
        y, changed = super().step(p, x, cache, t, changed)
        return y, changed if t and cache.greys[t] == cache.greys[t - 1] else None
