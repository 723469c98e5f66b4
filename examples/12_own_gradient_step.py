"""One step of learning: a rollout, its returns, its gradient, and a step downhill.

``learn``, in 11_catch.py, does the same many times and in several processes.  Notice that after one step against the
gradient the loss of the same rollout has fallen.
"""

import numpy as np

from a3c_numba import Agent
from a3c_numba.core.returns import returns_of


def rollout(agent, env, steps=20):
    """Play ``steps`` steps; return observations, actions, rewards and discounts."""
    obs, _ = env.reset(seed=0)
    rows = []
    for _ in range(steps):
        action, _ = agent.predict(obs)
        after, reward, terminated, truncated, _ = env.step(action)
        rows.append((obs, action, reward, 0.0 if terminated else agent.config.algorithm.discount))
        obs = env.reset()[0] if terminated or truncated else after
    return [np.array(column) for column in zip(*rows)]


def outputs_of(agent, obs):
    """Return the network's outputs: the policy's logits (n, actions) and the values (n, 1)."""
    outputs, _ = agent.policy.outputs(obs, agent.policy.initial_state(len(obs)))
    return outputs


def loss_of(agent, obs, actions, returns, advantages):
    """Return L of the rollout, with constant advantages."""
    return agent.config.algorithm.loss(agent.policy.pi, actions, returns, advantages, outputs_of(agent, obs))


def main() -> None:
    """Make one update by hand."""
    agent = Agent("CartPole-v1", seed=0)
    env = agent.config.make_env()
    obs, actions, rewards, discounts = rollout(agent, env)
    values = np.append(outputs_of(agent, obs)[1][:, 0], 0).astype(np.float32)
    returns = returns_of(rewards.astype(np.float32), discounts.astype(np.float32), values)
    advantages = returns - values[:-1]

    before = loss_of(agent, obs, actions, returns, advantages)
    gradients = agent.gradients(obs, actions, returns)
    for name, value in agent.parameters().items():
        print(f"{name:22} {str(value.shape):10} |gradient| {np.linalg.norm(gradients[name]):8.4f}")
        value -= 1e-3 * gradients[name]                                  # views: this changes the agent
    print("loss before", before, "after", loss_of(agent, obs, actions, returns, advantages))


if __name__ == "__main__":
    main()
