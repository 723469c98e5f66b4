"""From bytes to numbers: how an image of 0 .. 255 enters the network.

    Scale     y = x / 255                                  the paper's: black is 0, white is 1
    Center    y = (x - median of the image's own bytes) / 128       (of every 17th byte, which is near enough)

A screen is mostly background.  Left at its grey level it reaches every filter of the first layer at every position, and
the gradient spends itself on that constant; with each image centred on its own median the background is exactly 0 and
what moves stands out.  The median is the image's own, so nothing about a game has to be known or learned.

    dL/dx = dL/dy / 128     (the median held constant; x is data: only a picture of saliency asks for it)
"""

from typing import Any

import numpy as np

from ..kernel import kernel
from .base import Cache, Changed, Layer, Shape
from .fresh_patches import changed_pixels

EVERY = 17                     # bytes from one of the sample to the next; prime to the 4 frames of each pixel


@kernel
def scale(x, factor, y):
    """y (m,) <- factor x (m,)."""
    for i in range(len(x)):
        y[i] = x[i]                                                      # a product with a byte would be of float64
        y[i] *= factor


@kernel
def median(x, counts):
    """The median of every EVERY-th of the bytes x (m,); counts (256,) is scratch."""
    counts[:] = 0
    for i in range(0, len(x), EVERY):
        counts[x[i]] += 1
    left = (len(x) + EVERY - 1) // EVERY // 2
    for grey in range(256):
        left -= counts[grey]
        if left < 0:
            return grey
    return 255


@kernel
def center(x, factor, counts, y):
    """y (m,) <- factor (x - median of x), for bytes x (m,)."""
    y[0] = factor * median(x, counts)
    shift = y[0]                                                         # of the dtype of y, whatever that is
    for i in range(len(x)):
        y[i] = x[i]
        y[i] = factor * y[i] - shift


class Scale(Layer):
    """y = x / 255, without parameters."""

    shapes: dict[str, Shape] = {}
    factor = 1 / 255

    def __init__(self, shape: Shape) -> None:
        self.input_shape = self.output_shape = shape

    def cache(self, rows: int, dtype: Any) -> Cache:
        """Room for ``rows`` rows of y and d_x."""
        return Cache(self.input_shape, self.output_shape, rows, dtype)

    def forward(self, p: Any, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        """x (n, *shape) bytes -> y (n, *shape), a view of the cache."""
        y = cache.y[rows]
        scale(x.reshape(-1), y.dtype.type(self.factor), y.reshape(-1))
        return y

    def step(self, p: Any, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """x (rows, *shape) -> y (1, *shape) of row t; of images, which pixels have changed."""
        y = self.forward(p, x[t:t + 1], cache, slice(t, t + 1))
        return y, changed_pixels(x[t - 1], x[t]) if t and x.ndim == 4 else None

    def backward(self, p: Any, d_p: Any, x: np.ndarray, cache: Cache, d_y: np.ndarray,
                 input_gradient: bool = True) -> np.ndarray:
        """d_y (n, *shape) -> d_x (n, *shape)."""
        return np.multiply(d_y, self.factor, out=cache.d_x[:len(x)])     # y = factor x


class Center(Scale):
    """y = (x - median x) / 128, image by image."""

    factor = 1 / 128

    def cache(self, rows: int, dtype: Any) -> Cache:
        """As ``Scale``, with scratch for a histogram."""
        cache = super().cache(rows, dtype)
        cache.counts = np.zeros(256, np.int64)
        return cache

    def forward(self, p: Any, x: np.ndarray, cache: Cache, rows: slice) -> np.ndarray:
        """x (n, *shape) bytes -> y (n, *shape), a view of the cache."""
        y = cache.y[rows]
        for image, out in zip(x, y):
            center(image.reshape(-1), y.dtype.type(self.factor), cache.counts, out.reshape(-1))
        return y

    def step(self, p: Any, x: np.ndarray, cache: Cache, t: int, changed: Changed) -> tuple[np.ndarray, Changed]:
        """As ``Scale``; where a pixel stayed and its y did not, the median has moved, and all has changed."""
        y, changed = super().step(p, x, cache, t, changed)
        if changed is not None and not changed.all():
            place = divmod(int(changed.argmin()), changed.shape[1])
            if (cache.y[t][place] != cache.y[t - 1][place]).any():
                changed = None
        return y, changed
