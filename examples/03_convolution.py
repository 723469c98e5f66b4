"""Lesson 3: a convolution is a dense layer that is applied to one patch of an image at a time.

An image x (H, W, C) has h w patches of k by k pixels.  Each, flattened, is a row of P (h w, k k C):

    y   = P W + b              one row of y (h w, O) for each position; the weights W (k k C, O) are the same for all
    d_W = P^T d_y              lesson 1, with positions for rows
    d_P = d_y W^T              lesson 1
    d_x = every row of d_P, added at the place of its patch

New:     weights that are used at many positions.  Values that are copied forward are added up backward:
         a pixel that lies in nine patches gets the sum of nine gradients.
Notice:  d_y is 1 at two positions of y and 0 elsewhere.  In the picture's last panel each of the two puts a copy of
         the filter into d_x; if the patches overlap, the copies add up.
Try:     stride = 2, with which the two patches share one row, or 3, with which they do not overlap; STAMPS on one row.
"""

import numpy as np

from a3c_numba.core.layers.conv2d import Conv2d
from a3c_numba.plots.canvas import Canvas

k, stride, SIDE = 3, 1, 12
FILTERS = np.array([[-1, 0, 1, -2, 0, 2, -1, 0, 1], [-1, -2, -1, 0, 0, 0, 1, 2, 1]], float).T    # (k k C, O)
STAMPS = ((1, 1), (2, 1))                                                # positions of y with d_y = 1


def corners(x):
    """Return row and column of every patch's upper left pixel."""
    return [(a, b) for a in range(0, x.shape[0] - k + 1, stride) for b in range(0, x.shape[1] - k + 1, stride)]


def cut(x):
    """Return P (h w, k k C): the patches of x, each flattened."""
    return np.array([x[a:a + k, b:b + k].ravel() for a, b in corners(x)])


def add_back(d_P, x):
    """Return d_x, shaped like x; this is the transpose of ``cut``."""
    d_x = np.zeros_like(x)
    for (a, b), row in zip(corners(x), d_P):
        d_x[a:a + k, b:b + k] += row.reshape(k, k, -1)                   # row = x[a:a + k, b:b + k].ravel()
    return d_x


def panel(canvas, left, title, array, size):
    """Draw a heat map 288 pixels high: blue below 0, white at 0, orange above."""
    canvas.text(title, (left, 84), 16)
    top = np.abs(array).max()
    for (row, column), value in np.ndenumerate(array):
        end = np.array((213, 94, 0) if value > 0 else (0, 114, 178))
        colour = tuple(int(c) for c in 240 + (end - 240) * abs(value) / top)
        canvas.box((left + column * size[0], 100 + row * size[1]), (size[0] - 0.5, size[1] - 0.5), colour)


def main():
    """Filter a small picture of Pong, and compute the gradient of its pixels."""
    x = np.zeros((SIDE, SIDE, 1))
    x[3:8, 1], x[6:8, 6:8], x[10] = 1, 1, 0.5                            # a paddle, a ball, a wall
    P = cut(x)
    y = P @ FILTERS                                                      # (h w, O); b = 0
    h = (SIDE - k) // stride + 1
    d_y = np.zeros((h, h, 2))
    d_y[tuple(np.transpose(STAMPS))] = 1, 0                              # for the first filter
    d_W, d_P = P.T @ d_y.reshape(-1, 2), d_y.reshape(-1, 2) @ FILTERS.T  # y = P W
    d_x = add_back(d_P, x)
    print(f"x {x.shape[:2]} -> P {P.shape} -> y {y.shape}: each pixel is copied {P.size / x.size:.1f} times on average")
    one, other = (add_back(d_P * (np.arange(len(P)) == a * h + b)[:, None], x) for a, b in STAMPS)
    both = add_back(d_P.any(axis=1, keepdims=True) + 0 * d_P, x) == 2    # pixels of both patches
    print("d_x where the two stamps overlap:", d_x[both], "=", one[both], "of one +", other[both], "of the other")

    layer = Conv2d(x.shape, 2, k, stride)
    p, d_p = ({"weight": w.copy(), "bias": np.zeros(2)} for w in (FILTERS, 0 * FILTERS))
    cache = layer.cache(1, np.float64)
    theirs = [layer.forward(p, x[None], cache, slice(0, 1)).reshape(-1, 2).copy()]
    theirs += [layer.backward(p, d_p, x[None], cache, d_y[None])[0], d_p["weight"]]
    apart = max(np.abs(a - b).max() for a, b in zip((y, d_x, d_W), theirs))
    print(f"the package's convolution says the same: {apart:.0e} apart in y, d_x and d_W")
    canvas = Canvas(1500, 430)
    canvas.text("Lesson 3: a convolution as a matrix product, and back", (28, 42), 24, bold=True)
    first, second = y.T.reshape(2, h, h)
    for left, title, array in ((28, f"x, {SIDE} x {SIDE} pixels: orange above 0", x[..., 0]),
                               (545, f"y, {h} x {h}: filter 1", first), (865, f"y, {h} x {h}: filter 2", second),
                               (1185, f"d_x: d_y is 1 at {STAMPS}", d_x[..., 0])):
        panel(canvas, left, title, array, (288 / len(array), 288 / len(array)))
    panel(canvas, 348, "P: one row per patch", P, (18, 288 / len(P)))
    canvas.save("03_convolution.png")


if __name__ == "__main__":
    main()
