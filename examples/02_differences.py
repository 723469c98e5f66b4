"""Lesson 2: never trust a gradient: check it.  The same layer, compared with differences.

    dL/dW[i, j]  ~  ( L(W[i, j] + h) - L(W[i, j] - h) ) / 2h

Two forward passes for each number: far too slow for training.  But no chain rule is used, so the check is independent.
Its error has two parts: the curvature between the two points, about h^2, and the rounding of L, about 1e-16 / h in
double precision.  (For one-sided differences, (L(W + h) - L(W)) / h, the first part is about h.)

New:     central differences.  L is a sum of log cosh(y - t), because for a parabola they would have no such error;
         d_y = tanh(y - t).  The layer and its backward lines are those of lesson 1.
Notice:  the right gradient agrees to ten digits.  The wrong one, in which d_b is a mean over rows instead of a sum,
         points downhill too, so training would still work, only worse.  Differences find it at once.
         In the picture, single precision is constant below 1e-7, because W + h rounds to W.
Try:     another mistake in ``gradients``: a sign, a forgotten tanh, ``b`` left out of it.
"""

import numpy as np

from a3c_numba.plots import Series, line_plot


def loss(x, t, W, b):
    """Return L, a number."""
    return np.log(np.cosh(x @ W + b - t)).sum()


def gradients(x, t, W, b):
    """Return dL/dW and dL/db, by hand."""
    d_y = np.tanh(x @ W + b - t)                                         # L = sum log cosh(y - t)
    return x.T @ d_y, d_y.sum(axis=0)                                    # y = x W + b


def nudged(L, value, index, h):
    """Return L with ``h`` added to one element of the array ``value``, and restore the array."""
    before = value[index]
    value[index] += h
    result = L()
    value[index] = before
    return result


def difference(L, value, h=1e-5):
    """Return the gradient of L() with respect to ``value``, element by element."""
    return np.array([(nudged(L, value, i, h) - nudged(L, value, i, -h)) / (2 * h)
                     for i in np.ndindex(value.shape)]).reshape(value.shape)


def main():
    """Check the right gradient and a wrong one; then try every h."""
    rng = np.random.default_rng(0)
    x, t, W, b = (rng.normal(size=shape) for shape in ((8, 3), (8, 2), (3, 2), (2,)))
    d_W, d_b = gradients(x, t, W, b)
    for name, hand, value in (("W", d_W, W), ("b", d_b, b), ("b, wrong", d_b / len(x), b)):
        seen = difference(lambda: loss(x, t, W, b), value)
        error = np.abs(hand - seen).max() / np.abs(seen).max()
        print(f"{name:9} by hand {hand.flat[0]:9.6f}   difference {seen.flat[0]:9.6f}   worst error {error:.0e}"
              f"   {'agrees' if error < 1e-6 else 'WRONG'}")

    powers, index = np.arange(-13, 0.1, 0.25), (0, 0)
    errors = {"one side, double": [], "both sides, double": [], "both sides, single": []}
    for h in 10.0 ** powers:
        small = [array.astype(np.float32) for array in (x, t, W, b)]
        L, L32, h32 = lambda: loss(x, t, W, b), lambda: loss(*small), np.float32(h)
        seen = ((nudged(L, W, index, h) - L()) / h, (nudged(L, W, index, h) - nudged(L, W, index, -h)) / (2 * h),
                (nudged(L32, small[2], index, h32) - nudged(L32, small[2], index, -h32)) / (2 * h))
        for name, value in zip(errors, seen):
            errors[name].append(np.log10(max(abs(value - d_W[index]), 1e-13)))
    for name, found in errors.items():
        print(f"{name:19} best h {10 ** powers[np.argmin(found)]:.0e}, error {10 ** min(found):.0e}")
    print("so gradients are checked in double precision with h = 1e-5; single precision could hide a mistake")
    line_plot([Series(name, powers, found) for name, found in errors.items()],
              "Lesson 2: below the best h rounding dominates the error, above it the curvature",
              "log10 of h", "log10 of the error of dL/dW[0, 0]", "02_differences.png")


if __name__ == "__main__":
    main()
