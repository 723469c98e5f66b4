"""N-step Q-learning: a reward reaches every step of its rollout at once.

The corridor again, but the target network is copied only every 5 000 steps.  A one-step target uses the copy's value
one place ahead, so the reward moves back one place per copy.  An n-step return contains the reward itself.

Notice how many steps each method needs; and the price of n-step Q: its return contains the worker's own actions, wrong
ones included, so its values approach Sarsa's 0.497, 0.627, 0.792 and 1.  ``python 15_n_step_q.py 1_000 2_000``
tries other budgets.
"""

import sys

import numpy as np

from a3c_numba import MLP, Agent, NStepQ, OneStepQ, RMSProp

COMMON = {"target_interval": 5_000, "exploration_steps": 5_000, "final_epsilons": "0.3:1"}
METHODS = {"one-step Q": OneStepQ(**COMMON), "n-step Q": NStepQ(t_max=5, **COMMON)}


def values_of(agent: Agent) -> np.ndarray:
    """Return max_a Q at each of the four places."""
    places = np.eye(4, dtype=np.float32)
    (q,), _ = agent.policy.outputs(places, agent.policy.initial_state(4))
    return q.max(axis=1)


def main(*budgets: int) -> None:
    """Train a new agent for each budget and method."""
    for total_steps in budgets or (5_000, 10_000, 20_000, 40_000):
        for name, method in METHODS.items():
            agent = Agent("Corridor", method, RMSProp(learning_rate=1e-3, epsilon=1e-4), MLP(hidden=32), workers=2)
            agent.learn(total_steps)
            print(f"{total_steps:6,} steps   {name:10}   max_a Q", values_of(agent).round(2), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
