"""The smallest whole thing: a ball falls, a paddle learns to be under it, in a few seconds.

Notice the score: -1 for a ball missed, +1 for one caught.  A random paddle catches one ball in five or so.
"""

from a3c_numba import Agent


def main() -> None:
    """Train on Catch and show the mean score before and after."""
    agent = Agent("Catch", seed=0)
    print("before:", agent.evaluate(episodes=100).mean())
    agent.learn(total_steps=200_000)
    print("after: ", agent.evaluate(episodes=100).mean())


if __name__ == "__main__":  # workers import this file
    main()
