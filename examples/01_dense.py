"""Lesson 1: a dense layer learns a line, its gradient worked out by hand.

    y = x W + b               x (n, I) rows, W (I, O), b (O,), y (n, O)
    L = 1/2 sum (y - t)^2     t (n, O) is the target of y

How does L change with one weight?  W[i, j] multiplies x[r, i] in every row r, and changes only y[r, j].  So

    dL/dW[i, j] = sum_r x[r, i] d_y[r, j]      in one product      d_W = x^T d_y,     d_y = dL/dy = y - t
    dL/db[j]    = sum_r d_y[r, j]                                  d_b = sum over rows of d_y
    dL/dx[r, i] = sum_j d_y[r, j] W[i, j]                          d_x = d_y W^T      (the d_y of the layer below)

New:     backpropagation: from dL/dy to dL/dW, dL/db and dL/dx.  Deeper networks only repeat it.
Notice:  each step goes against the gradient, and L falls at once; W and b end at the line of least squares.
Try:     RATE = 0.06.  A step that is too long overshoots the minimum, and the next one ends still further away.
"""

import numpy as np

from a3c_numba.core.layers.dense import Dense
from a3c_numba.plots import Series, line_plot
from a3c_numba.plots.colours import GREY

RATE, STEPS, SHOWN = 0.01, 100, (0, 1, 3, 10, 30, 100)


def forward(x, W, b):
    """Return y = x W + b."""
    return x @ W + b


def backward(x, W, d_y):
    """Return d_W, d_b and d_x, each of the shape of W, b and x."""
    d_W = x.T @ d_y                                                      # y = x W + b
    d_b = d_y.sum(axis=0)                                                # y = x W + b, one b for all rows
    d_x = d_y @ W.T                                                      # y = x W + b
    return d_W, d_b, d_x


def main():
    """Fit a line to 40 points, then compare the gradient with the package's layer."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 1))
    t = 2 * x - 1 + rng.normal(0, 0.15, x.shape)                          # the points: slope 2, height -1, and noise
    W, b, lines = np.zeros((1, 1)), np.zeros(1), []
    for step in range(STEPS + 1):
        y = forward(x, W, b)
        if step in SHOWN:
            lines.append(Series(f"step {step}", [-1, 1], [b[0] - W[0, 0], b[0] + W[0, 0]]))
            print(f"step {step:3}   W {W[0, 0]:6.3f}   b {b[0]:6.3f}   L {((y - t) ** 2).sum() / 2:7.3f}")
        d_W, d_b, _ = backward(x, W, y - t)
        W -= RATE * d_W
        b -= RATE * d_b
    print("the best line: W {:6.3f}   b {:6.3f}   (solved without steps)".format(*np.polyfit(x[:, 0], t[:, 0], 1)))

    layer, rows = Dense(3, 2), 5
    p, d_p = ({"weight": np.zeros((3, 2)), "bias": np.zeros(2)} for _ in range(2))
    layer.init(p, rng)
    cache, x5, d_y = layer.cache(rows, np.float64), rng.normal(size=(rows, 3)), rng.normal(size=(rows, 2))
    layer.forward(p, x5, cache, slice(0, rows))
    theirs = d_p["weight"], d_p["bias"], layer.backward(p, d_p, x5, cache, d_y)
    apart = max(np.abs(a - b).max() for a, b in zip(backward(x5, p["weight"], d_y), theirs))
    print(f"the package's layer says the same: {apart:.0e} apart on a layer of 3 inputs and 2 outputs")

    axes = line_plot(lines, "Lesson 1: a line steps down its gradient", "x", "y", "01_dense.png")
    for pixel in axes.to_pixels(x[:, 0], t[:, 0]):
        axes.canvas.line([pixel], GREY, 2)
    axes.canvas.save("01_dense.png")


if __name__ == "__main__":
    main()
