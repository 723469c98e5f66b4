"""Lesson 4: actions instead of right answers: softmax, entropy and the policy gradient.

Nobody says what y ought to be.  The policy draws an action, is told a reward, and makes actions that did better than
expected more probable.  For logits z (n,):

    pi_i = exp z_i / sum_j exp z_j              H = - sum_i pi_i log pi_i    (nats; log n when all are alike)
    L    = - A log pi_a - beta H                A: how much better than expected the action a was

    d log pi_a / d z_i = [i = a] - pi_i         the one that was drawn goes up, all go down by their share
    d H        / d z_i = - pi_i (log pi_i + H)  the more probable than usual go down

New:     a gradient that comes of trying.  Without entropy its mean over the draws is that of minus the expected reward.
Notice:  without entropy (beta 0) some learners stop trying before they have found the best arm, and stay with a worse
         one.  With too much of it (beta 1) they know it and never make up their minds: pi of the best arm is 0.51
         where reward + H is largest, pi_i ~ exp(mean reward of i).
Try:     MEANS + 10: until ``expected`` is there too, whatever is drawn first looks good, and twice as many get stuck.
         Then A = reward, with nothing expected: as right on average, and so noisy that more than half do.
"""

import numpy as np

from a3c_numba.core.distributions import Categorical
from a3c_numba.plots import Series, line_plot

MEANS, NOISE = np.array([0.0, 0.5, 1.0]), 2.0                            # of three arms' rewards
LEARNERS, STEPS, RATE = 200, 3000, 0.3


def log_softmax(z):
    """log pi of logits z (rows, n); the largest is taken off first, so that exp cannot overflow."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(z, actions, advantages, beta):
    """L, summed over rows."""
    log_pi = log_softmax(z)
    H = -(np.exp(log_pi) * log_pi).sum(axis=1)
    return (-advantages * log_pi[np.arange(len(z)), actions] - beta * H).sum()


def d_loss(z, actions, advantages, beta):
    """dL/dz (rows, n)."""
    log_pi = log_softmax(z)
    pi = np.exp(log_pi)
    H = -(pi * log_pi).sum(axis=1, keepdims=True)
    d_log_pi = np.eye(z.shape[1])[actions] - pi                          # log pi_a
    d_H = -pi * (log_pi + H)                                             # H
    return -advantages[:, None] * d_log_pi - beta * d_H                  # L = - A log pi_a - beta H


def learn(beta):
    """Many learners side by side, a row each; returns the mean pi over time, (STEPS, 3), and the last pi of each."""
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
    """Check the gradient, then learn with three weights of the entropy."""
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
    line_plot(curves, f"Lesson 4: three arms, {LEARNERS} learners: entropy keeps them trying", "pulls",
              "probability of the best arm, mean of all learners", "04_policy_gradient.png")


if __name__ == "__main__":
    main()
