"""An LSTM remembers an observation that is needed later.

A cue is shown at the first of five steps and asked for at the last; the observations in between are empty.  A network
without a memory can only guess, which scores 0 on average, however long it trains.

Notice that the two agents differ in one word, ``recurrent``; and that ``predict`` returns a state, which the caller
passes to the next call.  ``python 17_lstm_memory.py 5_000`` trains for fewer steps.
"""

import sys

from a3c_numba import A3C, MLP, Agent, RMSProp


def answer(agent: Agent, seed: int) -> tuple[list[float], int, float]:
    """Play one episode by hand; return the first observation, the last action, the reward."""
    env, state = agent.config.make_env(), None                           # None: the initial state
    first, _ = env.reset(seed=seed)
    obs, over = first, False
    while not over:
        action, state = agent.predict(obs, state, deterministic=True)
        obs, reward, over, _, _ = env.step(action)
    return first.tolist(), action, reward


def main(total_steps: int = 60_000) -> None:
    """Train without and with a memory; then play with the latter."""
    for recurrent in (False, True):
        network = MLP(hidden=32, layers=1, recurrent=recurrent, cells=16)
        agent = Agent("Memory", A3C(t_max=20), RMSProp(learning_rate=2e-3, epsilon=1e-4), network, workers=2)
        agent.learn(total_steps)
        print("LSTM        " if recurrent else "feed-forward", agent.evaluate(100, deterministic=True).mean())
    for seed in range(4):
        print("seen first {}   answer {}   reward {:+.0f}".format(*answer(agent, seed)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
