"""The table of small tasks in RESULTS.md: five seeds of each, 100 games of each final agent.

A run's result is the mean score of 100 games, with actions drawn as in training, from seed 100 S.  Over the seeds the
table has the interquartile mean and its 95 % bootstrap interval.  Each result goes to small_tasks.csv at once, and a
second start leaves out what is there.  ``python small_tasks.py 3 Pendulum`` makes three seeds of the tasks so named.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from a3c_numba import Agent, GymSettings
from a3c_numba.plots.seeds import centre, interval

GAMES = 100
FILE = Path("small_tasks.csv")
# The name, agent steps, and what Agent is given.
TASKS = (
    ("CartPole-v1 a3c", 500_000, ("CartPole-v1", "a3c"), {}),
    ("CartPole-v1 n_step_q", 600_000, ("CartPole-v1", "n_step_q"), {}),
    ("CartPole-v1 one_step_q", 400_000, ("CartPole-v1", "one_step_q"), {}),
    ("CartPole-v1 one_step_sarsa", 400_000, ("CartPole-v1", "one_step_sarsa"), {}),
    ("CartPole-v1 dqn", 100_000, ("CartPole-v1", "dqn"), {}),
    ("Acrobot-v1 a3c", 500_000, ("Acrobot-v1", "a3c"), {}),
    ("Pendulum-v1 a3c", 1_000_000, ("Pendulum-v1", "a3c"), {}),
    ("MountainCarContinuous-v0 a3c --action-repeat 8", 300_000, ("MountainCarContinuous-v0", "a3c"),
     {"gym": GymSettings(action_repeat=8)}),
)


def result(seed: int, steps: int, parts: tuple[str, str], options: dict[str, GymSettings]) -> float:
    """Train an agent, and return the mean score of GAMES games."""
    agent = Agent(*parts, seed=seed, **options)
    agent.learn(steps)
    return float(agent.evaluate(GAMES, seed=100 * seed).mean())


def main(seeds: int = 5, name_contains: str = "") -> None:
    """Make the runs that small_tasks.csv lacks; print a line for each task."""
    known = {}
    if FILE.exists():
        with FILE.open(newline="") as file:
            known = {(name, int(seed)): float(mean) for name, seed, mean in csv.reader(file)}
    for name, steps, parts, options in TASKS:
        if name_contains not in name:
            continue
        for seed in range(seeds):
            if (name, seed) not in known:
                known[name, seed] = result(seed, steps, parts, options)
                with FILE.open("a", newline="") as file:
                    csv.writer(file).writerow([name, seed, known[name, seed]])
        means = np.array([known[name, seed] for seed in range(seeds)])
        low, high = interval(means[:, None])
        print(f"{name:48} {steps:9,} steps   {centre(means[:, None])[0]:7.1f} ({low[0]:.1f} to {high[0]:.1f})   "
              f"{', '.join(f'{mean:.1f}' for mean in means)}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:3])
