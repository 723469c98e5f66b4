"""Exercise 9: generalised advantages, between one step and all of them.

With values V_0 .. V_T of the rollout's T + 1 states, discounts gamma_t (0 if the episode terminated) and one number
lambda from 0 to 1 (Schulman et al. 2015):

    delta_t = r_t + gamma_t V_{t+1} - V_t                   how much better the step was than expected
    A_t     = delta_t + gamma_t lambda A_{t+1},  A_T = 0    the advantage
    R_t     = A_t + V_t                                 the target of V_t

lambda = 0 uses the critic after one step: little noise, and all its errors.  lambda = 1 is exercise 4: the critic is
used only at the rollout's end.  Of the presets of this package, paper has 1 and the others have 0.9 to 0.98.

The real one: lambda_returns in a3c_numba/core/returns.py, which computes R_t directly; show that it is the same.
"""

import numpy as np


def generalised_advantages(rewards, discounts, values, lambda_):
    """Return advantages (T,), returns (T,) for rewards (T,), discounts (T,), values (T + 1,), a number lambda_.

    Hint: all delta_t in one line; then one loop backwards.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    delta = rewards + discounts * values[1:] - values[:-1]
    advantages, A = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        A = delta[t] + discounts[t] * lambda_ * A
        advantages[t] = A
    return advantages, advantages + values[:-1]
    # </blank>


if __name__ == "__main__":
    # By hand: delta = [1 + 4/2 - 2, 0 + 8/2 - 4] = [1, 0], A_1 = 0, A_0 = 1 + 0 = 1, R = [3, 4]
    print(generalised_advantages(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([2.0, 4.0, 8.0]), 0.9))
