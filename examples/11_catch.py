"""The smallest complete training: a ball falls, and a paddle learns to catch it, in a few seconds.

Notice the score: -1 for a missed ball, +1 for a caught one.  A random paddle catches about one ball in five.
"""

from a3c_numba import Agent


def main() -> None:
    """Train on Catch, and print the mean score before and after."""
    agent = Agent("Catch", seed=0)
    print("before:", agent.evaluate(episodes=100).mean())
    agent.learn(total_steps=200_000)
    print("after: ", agent.evaluate(episodes=100).mean())


if __name__ == "__main__":
    main()
