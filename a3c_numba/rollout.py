"""A few steps of one environment: the paper's inner loop "repeat ... until terminal s_t or t - t_start == t_max".

A ``Rollout`` never crosses an episode's end.  It holds T steps and T + 1 observations: the last one is what the return
is bootstrapped from, also where a time limit cut the episode short.

An episode is a pure function of its seed and its actions.  That is what makes a run resumable without pickling an
environment: the ``Player`` remembers both, and ``restore`` plays them once more.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np

from .parameters import Tree


class Rollout(NamedTuple):
    """T steps; all arrays are views of buffers that the next rollout overwrites."""

    obs: np.ndarray         # (T + 1, *observation_shape)
    actions: np.ndarray     # (T,) int64
    rewards: np.ndarray     # (T,) float32, clipped and scaled as the method says
    discounts: np.ndarray   # (T,) float32: gamma, or 0 where the episode terminated

    @property
    def length(self) -> int:
        """T."""
        return len(self.actions)


class Episode(NamedTuple):
    """A finished game."""

    score: float            # sum of unclipped rewards
    length: int             # agent steps


class Player:
    """Plays one environment with the policy of whatever parameters it is given."""

    def __init__(self, env: Any, algorithm: Any, network: Any, rng: np.random.Generator) -> None:
        T, space = algorithm.t_max, env.observation_space
        self.env, self.algorithm, self.network, self.rng = env, algorithm, network, rng
        self.cache = network.cache(T + 1, np.float32)
        self.obs = np.zeros((T + 1, *space.shape), space.dtype)
        self.actions = np.zeros(T, np.int64)
        self.rewards = np.zeros(T, np.float32)
        self.discounts = np.zeros(T, np.float32)
        self.episode_seed: int | None = None                             # None: no episode is under way
        self.episode_actions: list[int] = []
        self.score = 0.0
        self.current = self.obs[0]                                       # the observation to act on next

    def play(self, theta: Tree) -> tuple[Rollout, tuple[np.ndarray, ...], Episode | None]:
        """Up to t_max steps with the policy of ``theta``.

        Returns the rollout, the network's outputs for its T + 1 observations, and the episode if it ended here.
        """
        if self.episode_seed is None:
            self._begin(int(self.rng.integers(2**31)))
        t, terminated, truncated = 0, False, False
        while t < len(self.actions) and not (terminated or truncated):
            outputs = self._forward(theta, t)
            action = self.algorithm.act(outputs, self.rng.random())      # a_t ~ pi(.|s_t; theta')
            terminated, truncated = self._step(t, action)
            t += 1
        self._forward(theta, t)                                          # V(s_t) for the bootstrap; times 0 if terminal
        episode = self._end() if terminated or truncated else None
        rollout = Rollout(self.obs[:t + 1], self.actions[:t], self.rewards[:t], self.discounts[:t])
        return rollout, self._outputs(t + 1), episode

    def _forward(self, theta: Tree, t: int) -> tuple[np.ndarray, ...]:
        self.obs[t] = self.current
        return self.network.forward(theta, self.obs[t:t + 1], self.cache, slice(t, t + 1))

    def _outputs(self, rows: int) -> tuple[np.ndarray, ...]:
        return tuple(y[:rows] for y in self.cache.y)

    def _step(self, t: int, action: int) -> tuple[bool, bool]:
        self.current, reward, terminated, truncated, _ = self.env.step(action)
        self.episode_actions.append(action)
        self.score += float(reward)
        self.actions[t] = action
        learned = min(max(reward, -1.0), 1.0) if self.algorithm.clip_rewards else reward
        self.rewards[t] = self.algorithm.reward_scale * learned
        self.discounts[t] = 0.0 if terminated else self.algorithm.discount
        return terminated, truncated

    def _begin(self, seed: int) -> None:
        self.episode_seed, self.episode_actions, self.score = seed, [], 0.0
        self.current, _ = self.env.reset(seed=seed)

    def _end(self) -> Episode:
        episode = Episode(self.score, len(self.episode_actions))
        self.episode_seed, self.episode_actions = None, []
        return episode

    def state(self) -> dict[str, Any]:
        """All that the next rollout depends on besides theta, as plain numbers that JSON can hold."""
        return {"generator": self.rng.bit_generator.state, "episode_seed": self.episode_seed,
                "episode_actions": list(map(int, self.episode_actions))}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``: play the episode under way once more, action by action."""
        self.rng.bit_generator.state = state["generator"]
        self.episode_seed = None
        if state["episode_seed"] is not None:
            self._begin(state["episode_seed"])
            self._replay(state["episode_actions"])

    def _replay(self, actions: list[int]) -> None:
        for action in actions:
            self.current, reward, terminated, truncated, _ = self.env.step(action)
            self.episode_actions.append(action)
            self.score += float(reward)
            if terminated or truncated:
                warnings.warn("the environment is not a function of its seed and actions: a new episode is begun")
                self._end()
                return
