"""Lesson 4: actions instead of targets: softmax, entropy and the policy gradient.

There are no targets.  The policy draws an action, gets a reward, and makes actions that were better than expected
more probable.  For logits z (n,):

    pi_i = exp z_i / sum_j exp z_j              H = - sum_i pi_i log pi_i    (nats; log n if all are equal)
    L    = - A log pi_a - beta H                A: reward of the action a minus the expected one

    d log pi_a / d z_i = [i = a] - pi_i         the drawn action goes up, all go down by pi_i
    d H        / d z_i = - pi_i (log pi_i + H)  the more probable ones go down

New:     a gradient from samples.  Without entropy its mean over the draws is the gradient of minus the expected reward.
Notice:  without entropy (beta 0) some learners stop exploring before they have found the best arm, and keep a worse
         one.  With too much of it (beta 1) no policy becomes certain: pi of the best arm is 0.51 at the maximum of
         reward + H, which is pi_i ~ exp(mean reward of i); steps of this size leave 0.56 (RATE 0.03 for 20 000: 0.51).
Try:     MEANS + 10: until ``expected`` has risen, the arm drawn first looks good, and twice as many learners get stuck.
         With MEANS + 10 still in place, A = reward, without ``expected``: right on average, but so noisy that more than
         half get stuck.
"""

import numpy as np

from a3c_numba.core.distributions import Categorical
from a3c_numba.plots import Series, line_plot

MEANS, NOISE = np.array([0.0, 0.5, 1.0]), 2.0                            # rewards of three arms, their deviation
LEARNERS, STEPS, RATE = 200, 3000, 0.3


def log_softmax(z):
    """Return log pi of logits z (rows, n); the largest is subtracted first, so that exp cannot overflow."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(z, actions, advantages, beta):
    """Return L, summed over rows."""
    log_pi = log_softmax(z)
    H = -(np.exp(log_pi) * log_pi).sum(axis=1)
    return (-advantages * log_pi[np.arange(len(z)), actions] - beta * H).sum()


def d_loss(z, actions, advantages, beta):
    """Return dL/dz (rows, n)."""
    log_pi = log_softmax(z)
    pi = np.exp(log_pi)
    H = -(pi * log_pi).sum(axis=1, keepdims=True)
    d_log_pi = np.eye(z.shape[1])[actions] - pi                          # log pi_a
    d_H = -pi * (log_pi + H)                                             # H
    return -advantages[:, None] * d_log_pi - beta * d_H                  # L = - A log pi_a - beta H


def learn(beta):
    """Train many learners, a row each; return the mean pi over time, (STEPS, 3), and the last pi of each."""
    rng, z, expected, shown = np.random.default_rng(0), np.zeros((LEARNERS, 3)), np.zeros(LEARNERS), []
    for _ in range(STEPS):
        pi = np.exp(log_softmax(z))
        actions = (pi.cumsum(axis=1) < rng.random((LEARNERS, 1))).sum(axis=1).clip(max=2)
        rewards = MEANS[actions] + NOISE * rng.normal(size=LEARNERS)
        z -= RATE * d_loss(z, actions, rewards - expected, beta)
        expected += 0.05 * (rewards - expected)
        shown.append(pi.mean(axis=0))
    return np.array(shown), pi


def main():
    """Check the gradient, then learn with three entropy weights."""
    rng, h = np.random.default_rng(1), 1e-5
    z, actions, A = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0]), rng.normal(size=5)
    steps = h * np.eye(15).reshape(15, 5, 3)
    seen = [(loss(z + e, actions, A, 0.1) - loss(z - e, actions, A, 0.1)) / (2 * h) for e in steps]
    mine = d_loss(z, actions, A, 0.1)
    print(f"by hand and by differences: {np.abs(mine.ravel() - seen).max():.0e} apart")
    theirs = Categorical(3).loss_gradient(z, actions, A, 0.1)
    print(f"the package's kernel says the same: {np.abs(mine - theirs).max():.0e} apart")
    curves = []
    for beta in (0, 0.2, 1):
        shown, pi = learn(beta)
        sure = (pi[:, :2].max(axis=1) > 0.9).mean()
        curves.append(Series(f"beta {beta}", range(STEPS), shown[:, 2]))
        print(f"beta {beta:3}   pi of the best arm {shown[-1, 2]:.2f}   sure of a worse arm: {sure:4.0%} of learners   "
              f"mean H {-(pi * np.log(pi)).sum(axis=1).mean():.2f}")
    line_plot(curves, f"Lesson 4: three arms, {LEARNERS} learners: entropy keeps them exploring", "pulls",
              "probability of the best arm, mean of all learners", "04_policy_gradient.png")


if __name__ == "__main__":
    main()
