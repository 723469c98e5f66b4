"""Exercise 6: one step of RMSProp.

The paper's optimiser (its section 4).  theta are the parameters, d their gradient, g a running mean of d^2, which
all workers share as they share theta; all (n,), element by element:

    g     <- alpha g + (1 - alpha) d^2
    theta <- theta - eta d / sqrt(g + epsilon)

The step uses the new g.  epsilon is inside the root, unlike in most libraries: with epsilon = 0.1 a gradient far below
sqrt(0.1) makes a small step; with a small epsilon outside the root it would make a step of about eta.

The real one: update in a3c_numba/core/optimizers/rmsprop.py.
"""

import numpy as np


def rmsprop(theta, g, d, eta, alpha, epsilon):
    """Return the new g (n,) and the new theta (n,) for theta (n,), g (n,), d (n,) and three numbers.

    Hint: two lines, in the order above.
    """
    # <blank>
    # new_g = ...
    # new_theta = ...
    # <answer>
    new_g = alpha * g + (1 - alpha) * d ** 2
    new_theta = theta - eta * d / np.sqrt(new_g + epsilon)
    # </blank>
    return new_g, new_theta


if __name__ == "__main__":
    # By hand: g = 0.5 * 8 + 0.5 * 16 = 12, theta = 1 - 0.1 * 4 / sqrt(12 + 4) = 0.9
    print(rmsprop(np.array([1.0]), np.array([8.0]), np.array([4.0]), 0.1, 0.5, 4.0))
