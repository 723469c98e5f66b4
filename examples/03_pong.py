"""Pong from pixels, in a few minutes on two cores; differs from the first example by its environment alone.

``python 03_pong.py 100_000 2`` trains for fewer steps and evaluates fewer games.
"""

import sys

from a3c_numba import Agent


def main(total_steps: int = 1_500_000, games: int = 30) -> None:
    """Train, keep the run's folder, evaluate as papers do, save an agent to play with."""
    agent = Agent("ALE/Pong-v5", seed=0)
    agent.learn(total_steps, out="runs/pong", progress=True)
    scores = agent.evaluate(games, protocol="noop", workers=2)
    print(f"{games} games: {scores.mean():.1f} +- {scores.std(ddof=1) / games ** 0.5:.1f}")
    agent.save("pong.npz")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
