"""Lesson 9: A3C, all of it: lesson 1's layer, 4's policy gradient, 5's returns, 6's RMSProp, 7's shared theta.

A ball falls, and a paddle has to catch it (Catch: +1 or -1 at the end).  Each process repeats:

    theta' <- theta;   play t_max steps or to the end;   R from V or 0;   d = dL/dtheta';   RMSProp on theta, no lock
    L = sum_t [ -log pi(a_t) A_t - beta H_t + 1/2 (R_t - V_t)^2 ],   A_t = R_t - V_t, held constant

New:     only the loop.  pi and V share a hidden layer: its gradient is the sum of theirs.
Notice:  the mean return starts near -0.6, that of random play, and rises to nearly 1, the best: over the last fifteenth
         0.96, 0.97, 0.96 in one run each of seeds 0, 1, 2, 12 to 14 s on two busy cores.  Below 1: pi explores.
Try:     t_max = 1; beta = 0 (one run does not show it); WORKERS = 1, and ``09_a3c_in_one_file.py 12_000`` episodes.
"""

import multiprocessing
import sys
import time

import numpy as np

from a3c_numba.envs.toys import Catch
from a3c_numba.plots import Series, line_plot

WORKERS = 4
t_max = 5                                                                # steps of a rollout
gamma = 0.99                                                             # discount
beta = 0.01                                                              # weight of the entropy
eta = 2e-3                                                               # learning rate, falls to 0
alpha = 0.99                                                             # decay of RMSProp's g
epsilon = 1e-4                                                           # keeps a step finite while g is small
SHAPES = [(50, 32), (32,), (32, 4), (4,)]                                # W1, b1; W2, b2 of 3 logits and V
ENDS = np.cumsum([np.prod(shape) for shape in SHAPES])                   # of each one's part of theta, which is flat
SIZE = int(ENDS[-1])


def forward(theta, x):
    """Return the hidden layer (n, 32), log pi (n, 3), V (n,) and W2 for x (n, 50)."""
    W1, b1, W2, b2 = (part.reshape(shape) for part, shape in zip(np.split(theta, ENDS[:-1]), SHAPES))
    h = np.maximum(x @ W1 + b1, 0)
    out = h @ W2 + b2
    logits = out[:, :3]
    V = out[:, 3]
    z = logits - logits.max(axis=1, keepdims=True)                       # the same pi, and exp cannot overflow
    log_pi = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return h, log_pi, V, W2


def gradient(theta, x, actions, R):
    """Return dL/dtheta, flat, for a rollout x (T, 50), actions (T,), R (T,)."""
    h, log_pi, V, W2 = forward(theta, x)
    pi = np.exp(log_pi)
    A = (R - V)[:, None]
    H = -(pi * log_pi).sum(axis=1, keepdims=True)
    d_logits = -A * (np.eye(3)[actions] - pi) + beta * pi * (log_pi + H)             # L = -log pi_a A - beta H
    d_V = -A                                                             # L = ... + 1/2 (R - V)^2
    d_out = np.concatenate([d_logits, d_V], axis=1)
    d_W2 = h.T @ d_out                                                   # out = h W2 + b2
    d_b2 = d_out.sum(axis=0)
    d_h = d_out @ W2.T
    d_h = d_h * (h > 0)                                                  # h = max(x W1 + b1, 0)
    d_W1 = x.T @ d_h
    d_b1 = d_h.sum(axis=0)
    return np.concatenate([d_W1.ravel(), d_b1, d_W2.ravel(), d_b2])


def returns_of(rewards, R):
    """Return R_t for each reward (T,); ``R`` is the return after the last one: V, or 0 at an episode's end."""
    returns = []
    for reward in reversed(rewards):
        R = reward + gamma * R                                           # R <- r + gamma R
        returns.append(R)
    return np.array(returns[::-1])


def worker(number, memories, episodes, seed):
    """Run one process: play ``episodes`` episodes, and write their returns to its part of ``scores``."""
    theta, g, scores = (np.frombuffer(memory) for memory in memories)    # shared by all processes
    rng = np.random.default_rng([seed, number])
    env = Catch()
    obs, _ = env.reset(seed=int(rng.integers(2**31)))
    episode = 0
    while episode < episodes:
        local = theta.copy()                                             # theta' <- theta
        x = []
        actions = []
        rewards = []
        over = False
        while len(x) < t_max and not over:
            _, log_pi, _, _ = forward(local, obs[None])
            pi = np.exp(log_pi[0])
            action = rng.choice(3, p=pi / pi.sum())
            x.append(obs)
            actions.append(action)
            obs, reward, over, _, _ = env.step(action)
            rewards.append(reward)
        if over:
            R = 0.0
        else:
            _, _, V, _ = forward(local, obs[None])                       # of the state after the last
            R = V[0]
        d = gradient(local, np.array(x), actions, returns_of(rewards, R))
        g[:] = alpha * g + (1 - alpha) * d * d                           # no lock: all processes share g and theta
        theta -= eta * (1 - episode / episodes) * d / np.sqrt(g + epsilon)
        if over:
            scores[number * episodes + episode] = sum(rewards)           # 0 before the last step of an episode
            episode += 1
            obs, _ = env.reset()


def main(episodes=3000, seed=0):
    """Start the processes, wait for them, and print their returns."""
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    memories = [context.RawArray("d", size) for size in (SIZE, SIZE, WORKERS * episodes)]      # theta, g, scores
    np.frombuffer(memories[0])[:] = np.random.default_rng(seed).normal(0, 0.1, SIZE)
    crew = [context.Process(target=worker, args=(k, memories, episodes, seed)) for k in range(WORKERS)]
    for member in crew:
        member.start()
    for member in crew:
        member.join()
    scores = np.frombuffer(memories[2]).reshape(WORKERS, -1).mean(axis=0)
    means = [part.mean() for part in np.array_split(scores, 15)]
    print("mean return over time:", *(f"{mean:.2f}" for mean in means))
    print(f"{WORKERS} processes, {WORKERS * episodes:,} episodes, {time.perf_counter() - began:.0f} s")
    curve = Series(f"seed {seed}", (np.arange(15) + 0.5) * episodes / 15, means)
    line_plot([curve], "Lesson 9: A3C in one file, on Catch", "episodes of each process", "mean return, and 1 is best",
              "09_a3c_in_one_file.png")


if __name__ == "__main__":                                               # the processes import this file
    main(*map(int, sys.argv[1:]))
