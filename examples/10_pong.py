"""Lesson 10: Pong, with the whole package, which has little that the lessons did not have.

    lesson 9                                  here
    50 numbers                                the screen, 84 x 84 x 4 bytes: the last four frames
    a hidden layer of 32                      two convolutions (lesson 3) and a dense layer of 256: 678 thousand numbers
    t_max 5, R from V                         t_max 20; a mean over all lengths up to it (new): returns.py
    NumPy                                     the same lines as Numba kernels
    for loops that end                        workers that are supervised, stopped, resumed; checkpoints

New:     size.  Learning takes minutes instead of seconds, so a run records its progress.
Notice:  for the first 250,000 steps the score stays near -20.  Then the paddle hits the ball now and then, and after
         as many steps again, every other time.  Of three runs on two idle cores the mean of 100 games passed 0 after
         0.5 to 0.6 million steps (2 minutes), 15 after 0.6 to 0.8 (3 minutes), and 18 after 1.05 to 1.3 (4 minutes).
Try:     ``a3c-numba play pong.npz`` to watch it; ``a3c-numba report runs/pong``, the whole run on one page
         (``runs/pong-2`` if this is your second);
         ``a3c-numba check-gradients ALE/Pong-v5``, which is lesson 2.
         ``python 10_pong.py 600_000 2`` trains for fewer steps and evaluates fewer games.
"""

import itertools
import sys
from pathlib import Path

from a3c_numba import Agent
from a3c_numba.plots import learning_curve


def new_folder():
    """Return runs/pong, or runs/pong-2 and so on if it exists: no run is overwritten."""
    names = itertools.chain(["pong"], (f"pong-{n}" for n in itertools.count(2)))
    return next(path for path in (Path("runs", name) for name in names) if not path.exists())


def count(agent):
    """Print the parts of theta."""
    named = agent.parameters()
    for name, value in named.items():
        print(f"{name:22} {str(value.shape):12} {value.size:7,} numbers")
    print(f"{'in all':22} {'':12} {sum(value.size for value in named.values()):7,}", flush=True)


def tell(scores, learned):
    """Print the result of the evaluation."""
    mean, error = scores.mean(), scores.std(ddof=1) / len(scores) ** 0.5
    print(f"{len(scores)} games: {mean:.1f} +- {error:.1f}   (-21: every point lost, 21: every point won)")
    if mean < -15:
        print(f"{learned:,} steps were too few: the score starts to rise after a quarter of a million")


def main(total_steps: int = 2_000_000, games: int = 30) -> None:
    """Train into a run's folder, evaluate by the paper's protocol, save the agent, draw the curve."""
    agent, run = Agent("ALE/Pong-v5", seed=0), new_folder()
    count(agent)
    agent.learn(total_steps, out=run, progress=True)
    tell(agent.evaluate(games, protocol="noop", workers=2), total_steps)
    agent.save("pong.npz")
    learning_curve([run], "10_pong.png", title="Lesson 10: Pong")
    finished = len((run / "episodes.csv").read_text().splitlines()) - 1     # its first line names the columns
    curve = f"the curve of {finished:,} games" if finished else "no curve: no game of the training ended"
    print(f"10_pong.png: {curve}; {run}: all records of the run; pong.npz: the agent")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
