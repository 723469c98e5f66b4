"""Exercise 5: the targets of the four methods.

All have a rollout of T steps: rewards r_t and discounts gamma_t (gamma, or 0 if the episode terminated), for t < T.
The network, or the target network theta-, was evaluated at its T + 1 states s_0 .. s_T:

    one-step Q        R_t = r_t + gamma_t max_a Q(s_{t+1}, a; theta-)
    one-step Sarsa    R_t = r_t + gamma_t Q(s_{t+1}, a_{t+1}; theta-)       the action that is taken next
    n-step Q          R_t = r_t + gamma_t R_{t+1},  R_T = max_a Q(s_T, a; theta-)
    A3C               R_t = r_t + gamma_t R_{t+1},  R_T = V(s_T)

Each row t of q (T + 1, n) or of values (T + 1,) belongs to s_t: the target of step t uses row t + 1.

The real ones: the methods called targets in a3c_numba/core/algorithms/one_step_q.py, one_step_sarsa.py, n_step_q.py and
a3c.py.
"""

import numpy as np


def one_step_q_targets(rewards, discounts, q):
    """Return the targets (T,) for rewards (T,), discounts (T,), q (T + 1, n).

    Hint: one line, without a loop; row 0 of q is not needed.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    return rewards + discounts * q[1:].max(axis=1)
    # </blank>


def one_step_sarsa_targets(rewards, discounts, q, next_actions):
    """Return the targets (T,) for rewards (T,), discounts (T,), q (T + 1, n), next_actions (T,): element t is a_{t+1}.

    Hint: q[rows, columns] with two arrays of the same length takes one element of each row.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    return rewards + discounts * q[np.arange(1, len(q)), next_actions]
    # </blank>


def n_step_q_targets(rewards, discounts, q):
    """Return the targets (T,) for rewards (T,), discounts (T,), q (T + 1, n).

    Hint: exercise 4 with another bootstrap value.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    return a3c_targets(rewards, discounts, q.max(axis=1))
    # </blank>


def a3c_targets(rewards, discounts, values):
    """Return the targets (T,) for rewards (T,), discounts (T,), values (T + 1,)."""
    # <blank>
    # raise NotImplementedError
    # <answer>
    targets, R = np.zeros(len(rewards)), values[-1]
    for t in reversed(range(len(rewards))):
        R = rewards[t] + discounts[t] * R
        targets[t] = R
    return targets
    # </blank>


if __name__ == "__main__":
    # By hand: 1 + 6/2 = 4 and 2 + 4/2 = 4
    action_values = np.array([[9.0, 9.0], [6.0, 0.0], [1.0, 4.0]])
    print(one_step_q_targets(np.array([1.0, 2.0]), np.array([0.5, 0.5]), action_values))
