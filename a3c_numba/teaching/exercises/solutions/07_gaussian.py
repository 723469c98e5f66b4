"""Exercise 7: a policy over real numbers, its log-probability and its gradient.

An action has n numbers.  The network gives n + 1 for a state: the mean mu (n,) and, last, y.  SoftPlus makes y the
one variance v of all directions (FLOOR keeps 1/v finite):

    v         = log(1 + exp y) + FLOOR
    log pi(a) = - |a - mu|^2 / (2 v)  -  n/2 log(2 pi v)            pi on the right is 3.14...

Differentiate with respect to mu_i, then with respect to v, then by the chain rule with respect to y:

    dv / dy   = 1 / (1 + exp(-y))

In training this gradient is multiplied by -A_t: the mean moves towards an action that was better than expected.

The real one: policy_gradient in a3c_numba/core/distributions/gaussian.py.
"""

import numpy as np

FLOOR = 1e-3


def variance(y):
    """Compute log(1 + exp y) + FLOOR without overflow.  Nothing to do here."""
    return np.logaddexp(y, 0) + FLOOR


def log_probability(rows, actions):
    """Return log_pi (T,) for rows (T, n + 1), actions (T, n).

    Hint: |a - mu|^2 is a sum over the n directions, and there is one v for each row.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    n, v = actions.shape[1], variance(rows[:, -1])
    square = ((actions - rows[:, :-1]) ** 2).sum(axis=1)
    return -square / (2 * v) - n / 2 * np.log(2 * np.pi * v)
    # </blank>


def log_probability_gradient(rows, actions):
    """Return d_rows (T, n + 1), d log pi(a_t) / d rows[t]: n columns for mu, then that of y.  Shapes as above.

    Hint: d log pi / dv has two terms, one of them negative: too wide a Gaussian makes the action improbable, too.
    """
    d_rows = np.zeros_like(rows)
    # <blank>
    # d_rows[:, :-1] = ...
    # d_rows[:, -1] = ...
    # <answer>
    n, y = actions.shape[1], rows[:, -1]
    v, away = variance(y), actions - rows[:, :-1]
    d_v = (away ** 2).sum(axis=1) / (2 * v ** 2) - n / (2 * v)
    d_rows[:, :-1] = away / v[:, None]
    d_rows[:, -1] = d_v / (1 + np.exp(-y))
    # </blank>
    return d_rows


if __name__ == "__main__":
    # By hand: the action is the mean, so the gradient of mu is 0, and a smaller v would make it more probable.
    print(log_probability_gradient(np.array([[0.5, 0.0]]), np.array([[0.5]])))
