"""Pong from pixels, in a few minutes on two cores; differs from the first example by its environment alone."""

from a3c_numba import Agent


def main() -> None:
    """Train, keep the run's folder, evaluate as papers do, save an agent to play with."""
    agent = Agent("ALE/Pong-v5", seed=0)
    agent.learn(total_steps=1_500_000, out="runs/pong", progress=True)
    scores = agent.evaluate(episodes=30, protocol="noop", workers=2)
    print(f"30 games: {scores.mean():.1f} +- {scores.std(ddof=1) / len(scores) ** 0.5:.1f}")
    agent.save("pong.npz")


if __name__ == "__main__":
    main()
