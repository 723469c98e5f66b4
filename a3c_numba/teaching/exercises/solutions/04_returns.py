"""Exercise 4: the n-step return of every step of a rollout.

A rollout has T steps with rewards r_0 .. r_{T-1}.  What follows it is known only as an estimate, the value V(s_T)
of its last state.  Algorithm S3 of the paper goes backwards, so that each step gets the longest possible return:

    R <- V(s_T)
    R <- r_t + gamma_t R,   R_t = R          for t = T - 1 .. 0

The discounts gamma_t are gamma, or 0 if the episode terminated at step t.  Termination needs no case of its own: a 0
cuts off everything after it, the bootstrap value too.  An episode that was only truncated keeps its gamma.

The real one: lambda_returns in a3c_numba/core/returns.py, with lambda = 1.
"""

import numpy as np


def n_step_returns(rewards, discounts, bootstrap_value):
    """Return the returns (T,) for rewards (T,), discounts (T,) and a number, bootstrap_value.

    Hint: reversed(range(T)).
    """
    returns = np.zeros(len(rewards))
    # <blank>
    # R = ...
    # for t in range(len(rewards)):        # in which order?
    #     R = ...
    # <answer>
    R = bootstrap_value
    for t in reversed(range(len(rewards))):
        R = rewards[t] + discounts[t] * R
        # </blank>
        returns[t] = R
    return returns


if __name__ == "__main__":
    # By hand: 2 + 8/2 = 6, then 0 + 6/2 = 3, then 1 + 3/2 = 2.5
    print(n_step_returns(np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.5, 0.5]), 8.0))
