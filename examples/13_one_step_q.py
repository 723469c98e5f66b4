"""One-step Q-learning: values of actions instead of a policy, and the values can be checked by hand.

A corridor of four places: the right action leads to the next, the last one earns 1, a wrong one ends the episode.  So
the best policy's value is gamma^3 = 0.970 at the first place, then 0.980, 0.990 and 1.

Notice that Q finds these values although the worker explores: with epsilon 0.3 a fifth of its actions is wrong.  Its
target r + gamma max_a Q uses the value of the best next action, not of the action that is taken.
``python 13_one_step_q.py 5_000`` trains for fewer steps.
"""

import sys

import numpy as np

from a3c_numba import MLP, Agent, OneStepQ, RMSProp


def values_of(agent: Agent) -> np.ndarray:
    """Return max_a Q at each of the four places."""
    places = np.eye(4, dtype=np.float32)
    (q,), _ = agent.policy.outputs(places, agent.policy.initial_state(4))
    return q.max(axis=1)


def main(total_steps: int = 40_000) -> None:
    """Learn, and compare with the values by hand."""
    method = OneStepQ(target_interval=200, exploration_steps=5_000, final_epsilons="0.3:1")
    agent = Agent("Corridor", method, RMSProp(learning_rate=1e-3, epsilon=1e-4), MLP(hidden=32), workers=2)
    agent.learn(total_steps)
    print("place          ", *range(4), sep="       ")
    print("max_a Q        ", values_of(agent).round(3))
    print("gamma^(3-place)", (0.99 ** np.arange(3, -1, -1)).round(3))
    print("score without exploration:", agent.evaluate(20, deterministic=True).mean())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
