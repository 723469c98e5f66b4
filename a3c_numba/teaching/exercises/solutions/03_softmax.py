"""Exercise 3: the gradient of a policy, with its entropy, on its logits.

The network gives logits z (n,), the policy is a softmax, and at step t action a_t was taken:

    log pi_i = z_i - log sum_j exp z_j
    H        = - sum_i pi_i log pi_i                                the entropy, in nats
    L        = sum_t [ -log pi(a_t) A_t - beta H_t ]                minimised; the advantages A_t are constants

    d log pi_a / d z_i = [i = a] - pi_i                             [...] is 1 where it is true, else 0
    d H        / d z_i = - pi_i (log pi_i + H)

Derive the last line: pi_i = exp(log pi_i), and the pi_j sum to 1.  Logits may be as large as 1000: exp
overflows unless the largest logit is subtracted first, which changes no probability.

The real one: policy_gradient in a3c_numba/core/distributions/categorical.py.
"""

import numpy as np


def policy_gradient(logits, actions, advantages, beta):
    """Return d_logits (T, n) = dL/dz for logits (T, n), actions (T,) from 0 to n - 1, advantages (T,), a number beta.

    Hint: first make log_pi (T, n) and H (T, 1): keepdims=True keeps the second axis.  np.eye(n)[actions] is [i = a_t].
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    z = logits - logits.max(axis=1, keepdims=True)
    log_pi = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    pi = np.exp(log_pi)
    H = -(pi * log_pi).sum(axis=1, keepdims=True)
    d_log_pi = np.eye(logits.shape[1])[actions] - pi
    d_H = -pi * (log_pi + H)
    return -advantages[:, None] * d_log_pi - beta * d_H
    # </blank>


if __name__ == "__main__":
    # By hand: pi = [1/2, 1/2], so -A ([i = a] - pi) = [-1, 1]; at equal logits the entropy has no slope.
    print(policy_gradient(np.array([[0.0, 0.0]]), np.array([0]), np.array([2.0]), 0.01))
