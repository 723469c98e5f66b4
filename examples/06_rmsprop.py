"""Lesson 6: a better step down the same gradient: momentum and RMSProp in a ravine.

    L(theta) = 1/2 (x^2 + 50 y^2)        d = (x, 50 y): steep across, flat along

    plain        theta <- theta - eta d
    momentum     m <- alpha m + (1 - alpha) d          theta <- theta - eta m
    RMSProp      g <- alpha g + (1 - alpha) d^2        theta <- theta - eta d / sqrt(g + epsilon)

Plain steps are limited by the steep direction, eta < 2 / 50, and then are slow in the flat one.  Momentum averages
out the zigzag.  RMSProp divides each element by the recent size of its gradient: each moves by about eta.

New:     how a gradient is applied, element by element.  g is one number for each weight; in A3C it lies in shared
         memory beside theta.
Notice:  RMSProp moves along the floor as if there were no ravine, until g in the steep direction has decayed: then a
         step overshoots, and g grows again.  Momentum is the fastest, with an eta tuned for this ravine.
Try:     EPSILON = 100, and no step overshoots; STEEP = 500: which of the three diverge?
"""

import itertools

import numpy as np

from a3c_numba.core.optimizers import RMSProp
from a3c_numba.plots import Series, line_plot
from a3c_numba.plots.colours import GREY, INK

STEEP, STEPS, START, EPSILON = 50.0, 60, (-9.0, 1.0), 0.1


def gradient(theta):
    """Return d."""
    return np.array([theta[0], STEEP * theta[1]])


def plain(theta, _, eta=0.036):
    """Step along the gradient."""
    theta -= eta * gradient(theta)


def momentum(theta, m, eta=0.12, alpha=0.8):
    """Step along a running mean of gradients."""
    m[:] = alpha * m + (1 - alpha) * gradient(theta)
    theta -= eta * m


def rmsprop(theta, g, eta=0.25, alpha=0.9, epsilon=EPSILON):
    """Step along the gradient, each element divided by the root of its running mean square."""
    d = gradient(theta)
    g[:] = alpha * g + (1 - alpha) * d * d
    theta -= eta * d / np.sqrt(g + epsilon)


def path(step):
    """Return the points (STEPS + 1, 2) of a rule."""
    theta, memory, points = np.array(START), np.zeros(2), [START]
    for _ in range(STEPS):
        step(theta, memory)
        points.append(tuple(theta))
    return np.array(points)


def main():
    """Apply the three rules, compare one with the package, and draw a map."""
    walks = {rule.__name__: path(rule) for rule in (plain, momentum, rmsprop)}
    for name, points in walks.items():
        L = 0.5 * points ** 2 @ (1, STEEP)
        print(f"{name:9}", "   ".join(f"L after {n:2}: {L[n]:8.3g}" for n in (0, 10, 30, 60)))

    theta, g, d_theta, local = np.array(START), np.zeros(2), np.zeros(2), np.zeros(2)
    optimizer = RMSProp(decay=0.9, epsilon=EPSILON, max_gradient_norm=1e9)
    for _ in range(STEPS):
        d_theta[:] = gradient(theta)
        optimizer.update(theta, g, d_theta, local, 0.25)
    print(f"the package's kernel says the same: {np.abs(theta - walks['rmsprop'][-1]).max():.0e} apart at the end")

    curves = [Series(name, *points.T) for name, points in walks.items()]
    axes = line_plot(curves, f"Lesson 6: {STEPS} steps in a ravine, with its level lines", "x, the flat direction",
                     "y, the steep direction (drawn larger)", "06_rmsprop.png")
    for level, sign in itertools.product((1, 5, 15, 30), (1, -1)):
        x = np.linspace(-np.sqrt(2 * level), 0.5, 500)
        y = sign * np.sqrt(np.maximum(0, 2 * level - x * x) / STEEP)      # L is ``level``
        axes.canvas.line(axes.to_pixels(x, y)[np.abs(y) <= 1], GREY, 1)
    axes.canvas.line(axes.to_pixels([0], [0]), INK, 3)
    axes.canvas.text("minimum", tuple(axes.to_pixels([0], [-0.6])[0]), 16, align=0.5)
    axes.canvas.save("06_rmsprop.png")


if __name__ == "__main__":
    main()
