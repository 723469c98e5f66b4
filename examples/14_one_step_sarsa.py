"""One-step Sarsa: the same corridor, exploration and numbers; only the method is another one.

Sarsa's target r + gamma Q(s', a') uses the action that is taken next, wrong ones included.  The right one is taken with
probability 1 - 0.3 * 2/3 = 0.8, so the value of a place is 0.8 gamma times that of the next: 0.497 at the first.

Notice that Sarsa's values are those of a policy that explores, and Q-learning's those of one that does not; the best
action is the same here.  ``python 14_one_step_sarsa.py 5_000`` trains for fewer steps.
"""

import sys

import numpy as np

from a3c_numba import MLP, Agent, OneStepQ, OneStepSarsa, RMSProp


def values_of(agent: Agent) -> np.ndarray:
    """Return max_a Q at each of the four places."""
    places = np.eye(4, dtype=np.float32)
    (q,), _ = agent.policy.outputs(places, agent.policy.initial_state(4))
    return q.max(axis=1)


def main(total_steps: int = 40_000) -> None:
    """Learn with both, and compare each with the values by hand."""
    for Method, factor in ((OneStepQ, 0.99), (OneStepSarsa, 0.8 * 0.99)):
        method = Method(target_interval=200, exploration_steps=5_000, final_epsilons="0.3:1")
        agent = Agent("Corridor", method, RMSProp(learning_rate=1e-3, epsilon=1e-4), MLP(hidden=32), workers=2)
        agent.learn(total_steps)
        print(f"{Method.__name__:12}  max_a Q ", values_of(agent).round(3))
        print(f"{'':12}  by hand ", (factor ** np.arange(3, -1, -1)).round(3))
        print(f"{'':12}  score without exploration:", agent.evaluate(20, deterministic=True).mean())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
