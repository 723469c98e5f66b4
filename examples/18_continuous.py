"""Continuous actions: the policy is a Gaussian, and the network outputs its mean and its variance.

AimContinuous shows one of three places, -1, 0 or 1, and the action is a real number that has to hit it.  An episode has
four shots, each with a reward of 1 minus the distance from the place; 4 is perfect.

Notice that no option says "continuous": the environment's action space determines the policy.  Notice the variance,
too: it shrinks as the mean approaches the place; the entropy term keeps the rest of it, which is the difference between
the two scores at the end.  Any environment with a Box of actions works in the same way, but takes longer:

    python 18_continuous.py Pendulum-v1 600_000
"""

import sys

from a3c_numba import Agent
from a3c_numba.core.distributions.gaussian import FLOOR, variance


def main(env: str = "AimContinuous", total_steps: str = "60_000") -> None:
    """Train with the preset for vectors; print the scores, and the policy for six observations."""
    agent = Agent(env, seed=0)
    print("before:", agent.evaluate(30).mean())
    agent.learn(int(total_steps), progress=True)
    print("after: ", agent.evaluate(30).mean(), "  with the mean for an action:",
          agent.evaluate(30, deterministic=True).mean())
    made = agent.config.make_env()
    made.reset(seed=0)
    for _ in range(6):
        obs, _ = made.reset()
        (rows, _), _ = agent.policy.outputs(obs[None], agent.policy.initial_state(1))
        mean, v = rows[0, :-1], variance(rows[0, -1], FLOOR)             # v = softplus(...) + FLOOR
        print(f"seen {obs.round(2).tolist()}   mean {mean.astype(float).round(2).tolist()}   variance {v:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
