"""One worker's training by a value method, as one function in float64; and the small networks that it needs.

Written from the paper's Algorithms 1 and S2 and section 4.2, without backpropagation: the gradient of

    L = sum_t (R_t - Q(s_t, a_t))^2,   the R_t held constant,

is taken coordinate by coordinate with a complex step (``reference_lstm``), so that no derivative in here can be wrong
in the way of the package's.  Nothing of the package is imported.
"""

from typing import Any, NamedTuple

import numpy as np

from tests.reference import n_step_return, rmsprop
from tests.reference_lstm import complex_gradient, lstm

Arrays = dict[str, np.ndarray]


class QNetwork:
    """x -> dense1 -> ReLU [-> dense2 -> ReLU] [-> LSTM] -> head, by the names that theta has."""

    def __init__(self, theta: Arrays) -> None:
        self.shapes = {name: array.shape for name, array in theta.items()}
        self.hidden = [name for name in ("q.dense1", "q.dense2") if f"{name}.weight" in theta]
        self.cells = self.shapes["q.lstm.bias"][0] // 4 if "q.lstm.bias" in theta else 0

    def split(self, flat: np.ndarray) -> Arrays:
        """theta by name, of its numbers one after the other."""
        p, start = {}, 0
        for name, shape in self.shapes.items():
            stop = start + int(np.prod(shape))
            p[name], start = flat[start:stop].reshape(shape), stop
        return p

    def q(self, flat: np.ndarray, obs: Any, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Q (T, actions) of rows that follow each other from ``state`` (2, cells), and the state after them."""
        p, y = self.split(flat), np.asarray(obs, np.float64)
        for name in self.hidden:
            y = y @ p[f"{name}.weight"] + p[f"{name}.bias"]
            y = np.where(y.real > 0, y, 0)
        if self.cells:
            y, *after = lstm(y, p["q.lstm.weight"], p["q.lstm.bias"], *state)
            state = np.array(after)
        return y @ p["q.head.weight"] + p["q.head.bias"], state

    def forgetful(self) -> np.ndarray:
        """The state at an episode's start."""
        return np.zeros((2, self.cells))


class Update(NamedTuple):
    """One rollout and the update that it made."""

    steps: int
    ending: str             # "", "terminated" or "truncated"
    score: float            # of the episode that ended here
    epsilon: float
    actions: list[int]
    targets: np.ndarray     # R (T,)
    value: float            # mean of max_a Q over the rollout
    norm: float             # of the gradient before clipping
    copied: bool            # whether theta- was renewed behind it


def max_of_last(rewards: Any, discounts: Any, q: np.ndarray, actions: list[int]) -> np.ndarray:
    """n-step Q-learning: each step's longest return, and the best value of the last state."""
    T, values = len(rewards), q.max(axis=1)
    return np.array([n_step_return(np.array(rewards), np.array(discounts), values, t, T - t) for t in range(T)])


def max_of_next(rewards: Any, discounts: Any, q: np.ndarray, actions: list[int]) -> np.ndarray:
    """One-step Q-learning."""
    return np.array([r + g * max(row) for r, g, row in zip(rewards, discounts, q[1:])])


def taken_next(rewards: Any, discounts: Any, q: np.ndarray, actions: list[int]) -> np.ndarray:
    """One-step Sarsa."""
    return np.array([r + g * row[a] for r, g, row, a in zip(rewards, discounts, q[1:], actions[1:])])


def choose(q: np.ndarray, epsilon: float, u: float) -> int:
    """Explore below epsilon, each action with the same share of it; else the best."""
    for action in range(len(q)):
        if u < epsilon * (action + 1) / len(q):
            return action
    return int(np.argmax(q))


def run_value(env: Any, theta: Arrays, method: Any, longest: int, targets: Any, optimizer: Any, seed: Any,
              total_steps: int, final_epsilon: float, updates: int) -> tuple[Arrays, np.ndarray, Arrays, list[Update]]:
    """``updates`` rollouts of at most ``longest`` steps; ``targets`` is one of the three functions above.

    ``method`` and ``optimizer`` are only read for their numbers.  Returns theta, g, theta- and what happened.
    """
    network, rng = QNetwork(theta), np.random.default_rng(seed)
    flat = np.concatenate([array.ravel() for array in theta.values()]).astype(np.float64)
    g, target, log = np.zeros(len(flat)), flat.copy(), []
    total, score, current, ahead = 0, 0.0, None, None
    for _ in range(updates):
        epsilon = 1 - (1 - final_epsilon) * min(1, total / method.exploration_steps)
        if current is None:
            current, score = env.reset(seed=int(rng.integers(2**31)))[0], 0.0
            state, ahead = network.forgetful(), None
        before, ending = state, ""
        obs, actions, rewards, discounts, seen = [np.array(current)], [], [], [], []
        while len(actions) < longest and not ending:
            q, state = network.q(flat, obs[-1][None], state)
            seen.append(q.max())
            actions.append(choose(q[0], epsilon, rng.random()) if ahead is None else ahead)
            ahead = None
            current, reward, terminated, truncated, _ = env.step(actions[-1])
            score += reward
            rewards.append(method.reward_scale * (np.clip(reward, -1, 1) if method.clip_rewards else reward))
            discounts.append(0.0 if terminated else method.discount)
            ending = "terminated" if terminated else "truncated" if truncated else ""
            obs.append(np.array(current))
        taken = list(actions)
        if targets is taken_next:                                        # a' is drawn by the theta that acted
            if ending != "terminated":
                ahead = choose(network.q(flat, obs[-1][None], state)[0][0], epsilon, rng.random())
            taken.append(0 if ahead is None else ahead)                  # any, where its value counts 0 times
        R = targets(rewards, discounts, network.q(target, np.array(obs), before)[0], taken)

        def loss(stepped: np.ndarray) -> Any:
            q, _ = network.q(stepped, np.array(obs[:-1]), before)
            return sum((R[t] - q[t, a]) ** 2 for t, a in enumerate(actions))

        eta = optimizer.learning_rate * max(0.0, (total_steps - total) / total_steps)
        flat, g, norm = rmsprop(flat, g, complex_gradient(loss, flat), eta, optimizer.decay, optimizer.epsilon,
                                optimizer.max_gradient_norm)
        ticks = len([step for step in range(total + 1, total + len(actions) + 1) if step % method.target_interval == 0])
        total += len(actions)
        if ticks:
            target = flat.copy()
        log.append(Update(len(actions), ending, score, epsilon, actions, R, float(np.mean(seen)), norm, ticks > 0))
        if ending:
            current = None
    return network.split(flat), g, network.split(target), log
