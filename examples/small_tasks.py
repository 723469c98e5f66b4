"""The table of small tasks in RESULTS.md: five seeds of each, 100 games of each final agent.

A run's result is the mean score of 100 games, with actions drawn as in training, from seed 100 S.  Over the seeds the
table has the interquartile mean and its 95 % bootstrap interval.  Each result goes to small_tasks.csv at once, and a
second start leaves out what is there.  ``python small_tasks.py 3 Pendulum`` makes three seeds of the tasks so named.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from a3c_numba import Agent, GymSettings
from a3c_numba.plots.seeds import centre, interval

GAMES = 100
FILE = Path("small_tasks.csv")
Key = tuple[str, int, int]     # name, steps, seed
# The name, which begins with the environment and the method; agent steps; other settings.
TASKS = (
    ("CartPole-v1 a3c", 500_000, {}),
    ("CartPole-v1 n_step_q", 600_000, {}),
    ("CartPole-v1 one_step_q", 400_000, {}),
    ("CartPole-v1 one_step_sarsa", 400_000, {}),
    ("CartPole-v1 dqn", 100_000, {}),
    ("Acrobot-v1 a3c", 500_000, {}),
    ("Pendulum-v1 a3c", 1_000_000, {}),
    ("MountainCarContinuous-v0 a3c --action-repeat 8", 300_000, {"gym": GymSettings(action_repeat=8)}),
)


def agent_of(name: str, seed: int, options: dict[str, GymSettings]) -> Agent:
    """Return an untrained agent for a task."""
    env, algorithm = name.split()[:2]
    return Agent(env, algorithm, seed=seed, **options)


def result(name: str, steps: int, seed: int, options: dict[str, GymSettings]) -> float:
    """Train an agent, and return the mean score of GAMES games."""
    agent = agent_of(name, seed, options).learn(steps)
    return float(agent.evaluate(GAMES, seed=100 * seed).mean())


def read() -> dict[Key, float]:
    """Return the results of FILE."""
    if not FILE.exists():
        return {}
    with FILE.open(newline="") as file:
        return {(name, int(steps), int(seed)): float(mean) for name, steps, seed, mean in csv.reader(file)}


def write(known: dict[Key, float]) -> None:
    """Replace FILE, at once."""
    part = FILE.with_suffix(".part")
    with part.open("w", newline="") as file:
        csv.writer(file).writerows([*key, mean] for key, mean in known.items())
    part.replace(FILE)


def main(seeds: int, name_contains: str) -> None:
    """Make the runs that FILE lacks; print a line for each task."""
    known = read()
    for name, steps, options in TASKS:
        if name_contains not in name:
            continue
        keys = [(name, steps, seed) for seed in range(seeds)]
        for key in keys:
            if key not in known:
                known[key] = result(*key, options)
                write(known)
        means = np.array([known[key] for key in keys])
        low, high = interval(means[:, None])
        print(f"{name:48} {steps:9,} steps   {centre(means[:, None])[0]:7.1f} ({low[0]:.1f} to {high[0]:.1f})   "
              f"{', '.join(f'{mean:.1f}' for mean in means)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="?", type=int, default=5, metavar="SEEDS")
    parser.add_argument("name", nargs="?", default="", help="part of a task's name")
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error(f"SEEDS must be at least 1; got {arguments.seeds}")
    if not any(arguments.name in task[0] for task in TASKS):
        parser.error(f"no task has {arguments.name!r} in its name; there are: {', '.join(task[0] for task in TASKS)}")
    main(arguments.seeds, arguments.name)
