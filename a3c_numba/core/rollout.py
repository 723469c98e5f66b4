"""A few steps of one environment: the paper's inner loop "repeat ... until terminal s_t or t - t_start == t_max".

A rollout never crosses an episode's end.  It holds T steps and T + 1 observations: the last one is what the return is
bootstrapped from, also where a time limit cut the episode short.

An episode is a pure function of its seed and its actions, which the ``RolloutCollector`` records: so a run can be
resumed without pickling an environment.

The environment is an ``EpisodeEnv`` (envs/episode.py), whose observations are finite, and whose rewards are finite or
NaN.  A NaN makes the rollout's gradient not finite, and the optimiser skips it.
"""

from typing import Any, NamedTuple

import numpy as np

from ..system.nonfinite import zero_nonfinite
from ..system.row_record import RowRecord
from .algorithms import Algorithm
from .distributions import Distribution
from .layers.base import Network, Outputs
from .layers.recurrent_state import RecurrentState
from .parameters import Tree
from .returns import Rollout


class Episode(NamedTuple):
    """A finished game."""

    score: float            # sum of unclipped rewards
    length: int             # agent steps


class RolloutCollector:
    """Plays one EpisodeEnv with the policy of the parameters that ``collect`` is given; raises what it raises."""

    def __init__(self, env: Any, algorithm: Algorithm, network: Network, distribution: Distribution,
                 rng: np.random.Generator) -> None:
        T, space = algorithm.rollout_length, env.observation_space
        self.env, self.algorithm, self.network, self.distribution, self.rng = env, algorithm, network, distribution, rng
        self.cache = network.cache(T + 1, np.float32)
        self.recurrent = RecurrentState(self.cache)
        self.state_row = 0                                               # of the cache: the state to act from next
        self.obs = np.zeros((T + 1, *space.shape), space.dtype)
        self.rows = list(self.obs)                                       # its rows
        self.actions = np.zeros((T + 1, *distribution.action_shape), distribution.action_dtype)
        self.next_action_drawn = False                                   # whether the next action is drawn already
        self.rewards = np.zeros(T, np.float32)
        self.discounts = np.zeros(T, np.float32)
        self.episode_seed: int | None = None                             # None: no episode is under way
        self.episode_actions = RowRecord(distribution.action_shape, distribution.action_dtype)
        self.current = self.obs[0]                                       # the observation to act on next
        self.finite = True                                               # whether this rollout's actions so far are

    def collect(self, theta: Tree) -> tuple[Rollout, Outputs, Episode | None]:
        """Make up to t_max steps with the policy of ``theta``.

        Return the rollout, the network's outputs for its T + 1 observations (the last row is stale if the method's
        targets are computed with a target network), and the episode if it ended here.
        """
        if self.episode_seed is None:
            self._begin(int(self.rng.integers(2**31)))
        self.recurrent.move(self.state_row)
        self.finite = True
        self.rows[0][...] = self.current
        t, terminated, truncated = 0, False, False
        while t < len(self.rewards) and not (terminated or truncated):
            self._choose(t, self._forward(theta, t))                     # a_t ~ pi(.|s_t; theta')
            terminated, truncated = self._step(t)
            t += 1
            self.rows[t][...] = self.current                             # s_t
        if not self.algorithm.uses_target_network:
            self._forward(theta, t)                                      # V(s_t) for the bootstrap; times 0 if terminal
        elif self.algorithm.needs_next_action and not terminated:
            self._choose(t, self._forward(theta, t))                     # a_t for the target, and then to be taken
            self.next_action, self.next_action_drawn = self.actions[t].copy(), True
        if not self.finite:
            self.rewards[:t] = np.nan                                    # and so its gradient: the update is skipped
        self.state_row = t
        episode = None
        if terminated or truncated:
            episode = Episode(self.env.score, self.env.length)
            self.episode_seed = None
            self.episode_actions.clear()
        rollout = Rollout(self.obs[:t + 1], self.actions[:t], self.rewards[:t], self.discounts[:t],
                          self.actions[1:t + 1])
        return rollout, tuple(y[:t + 1] for y in self.cache.y), episode

    def _choose(self, t: int, outputs: Outputs) -> None:
        if self.next_action_drawn:
            self.actions[t] = self.next_action
        else:
            self.actions[t] = self.distribution.sample(outputs[0][0], self.rng)
            if self.distribution.action_shape and zero_nonfinite(self.actions[t]):  # mean or variance has overflowed
                self.finite = False
        self.next_action_drawn = False

    def _forward(self, theta: Tree, t: int) -> Outputs:
        if self.algorithm.acts_on_snapshot or self.algorithm.uses_replay:     # theta stays the same (on Ray: nearly)
            return self.network.step(theta, self.obs, self.cache, t, None)[0]
        return self.network.forward(theta, self.obs[t:t + 1], self.cache, slice(t, t + 1))

    def _step(self, t: int) -> tuple[bool, bool]:
        action = self.actions[t].tolist()
        self.current, reward, terminated, truncated, _ = self.env.step(self.distribution.executed(action))
        self.episode_actions.append(self.actions[t])
        learned = min(max(reward, -1.0), 1.0) if self.algorithm.clip_rewards else reward
        self.rewards[t] = self.algorithm.reward_scale * learned
        self.discounts[t] = 0.0 if terminated else self.algorithm.discount
        return terminated, truncated

    def _begin(self, seed: int) -> None:
        self.episode_seed = seed
        self.current, _ = self.env.reset(seed=seed)
        self.recurrent.write(0, 0)                                       # nothing is remembered of the last episode
        self.state_row, self.next_action_drawn = 0, False
