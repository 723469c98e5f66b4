"""An LSTM: what was seen once must be known later.

A cue is shown at the first of five steps and asked for at the last; in between there is nothing to see.  Who looks at
the present observation alone can only guess, and guessing scores 0 on average, however long it trains.

Notice that the two agents differ in one word, ``recurrent``; and that ``predict`` hands back a state, which the caller
keeps.  ``python 17_lstm_memory.py 5_000`` trains for fewer steps.
"""

import sys

from a3c_numba import A3C, MLP, Agent, RMSProp


def answer(agent: Agent, seed: int) -> tuple[list[float], int, float]:
    """One episode by hand: the first observation, the last action, the reward."""
    env, state = agent.config.make_env(), None                           # None: nothing is remembered yet
    first, _ = env.reset(seed=seed)
    obs, over = first, False
    while not over:
        action, state = agent.predict(obs, state, deterministic=True)
        obs, reward, over, _, _ = env.step(action)
    return first.tolist(), action, reward


def main(total_steps: int = 60_000) -> None:
    """Train with and without a memory; then watch the one that has it."""
    for recurrent in (False, True):
        network = MLP(hidden=32, layers=1, recurrent=recurrent, cells=16)
        agent = Agent("Memory", A3C(t_max=20), RMSProp(learning_rate=2e-3, epsilon=1e-4), network, workers=2)
        agent.learn(total_steps)
        print("LSTM        " if recurrent else "feed-forward", agent.evaluate(100, deterministic=True).mean())
    for seed in range(4):
        print("seen first {}   answer {}   reward {:+.0f}".format(*answer(agent, seed)))


if __name__ == "__main__":  # workers import this file
    main(*map(int, sys.argv[1:]))
