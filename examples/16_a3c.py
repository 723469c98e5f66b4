"""A3C beside n-step Q, both with rollouts of up to 20 steps on Catch: a policy and a value, or values of actions.

A3C draws its actions from the policy that it learns.  It needs no epsilon, no schedule for it and no target network:
the random policy itself explores, and the entropy term keeps it random.

Notice the drawn column: n-step Q loses score by its epsilon of 0.05, and A3C by the entropy of its policy; the best
column has the most probable or most valuable action of each.  ``python 16_a3c.py 1_000 2_000`` tries other budgets.
"""

import sys

from a3c_numba import A3C, MLP, Agent, NStepQ, RMSProp

METHODS = {
    "n-step Q": NStepQ(t_max=20, target_interval=1_000, exploration_steps=5_000, final_epsilons="0.1:1"),
    "A3C": A3C(t_max=20),
}


def main(*budgets: int) -> None:
    """Train a new agent for each method and budget; play 100 games with drawn actions and 100 with the best ones."""
    print(f"{'steps':12}", *(f"{name:>9} drawn   {name:>9} best" for name in METHODS), sep="   ")
    for total_steps in budgets or (5_000, 10_000, 20_000, 40_000):
        scores = []
        for method in METHODS.values():
            agent = Agent("Catch", method, RMSProp(learning_rate=2e-3, epsilon=1e-5), MLP(), workers=2)
            agent.learn(total_steps)
            scores += [agent.evaluate(100, deterministic=best).mean() for best in (False, True)]
        print(f"{total_steps:<12,}", *(f"{score:15.2f}" for score in scores), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
