"""One worker: the body of Algorithms 1, S2 and S3.

    repeat
        d theta <- 0, theta' <- theta         (one-step methods read theta itself)   end of the last optimizer.update
        collect until terminal or t_max                                  rollout.RolloutCollector
        R <- 0 if terminal, else              V(s_T; theta')  A3C        algorithm.targets, target_network.py
                                              max_a Q(s_T, a; theta-)  n-step Q
        R <- r_t + gamma R, backwards         (one-step methods: r_t + gamma Q(s_{t+1}, .; theta-) for each step)
        d theta <- d theta + dL/d theta'                                 algorithm.loss_gradient, network.backward
        theta <- theta - eta d theta / sqrt(g + epsilon)                 optimizer.update, without a lock
        T <- T + t - t_start                  (the paper counts step by step)   shared.advance
        if T has crossed a multiple of I_target: theta- <- theta
    until T > T_max

In s_T and in shapes such as (T,), T is the number of steps of the rollout, the paper's t - t_start.  The paper's T, the
steps of all workers, is shared.global_step().
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from ..system.whole_words import copy_words
from .algorithms import Algorithm
from .gradient import Gradient
from .layers.base import Network, Outputs
from .optimizers import Optimizer
from .parameters import Parameters
from .returns import Rollout
from .rollout import Episode, RolloutCollector
from .schedules import linear
from .shared import Shared
from .target_network import TargetNetwork


class Learner(Protocol):
    """The part of a run's configuration that a worker reads; ``config.Config`` has it."""

    @property
    def algorithm(self) -> Algorithm: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def total_steps(self) -> int: ...                                    # T_max
    @property
    def frame_stack(self) -> int: ...                                    # frames of an observation, along its last axis
    @property
    def horizon(self) -> int: ...                                        # steps until eta is 0; T_max if not given
    @property
    def explored(self) -> int: ...                                       # steps of exploration before this run
    def make_episode_env(self, *, worker: int) -> Any: ...
    def build_network(self, env: Any) -> Network: ...
    def worker_rng(self, number: int) -> np.random.Generator: ...        # of what is drawn once for the whole run


class Update(NamedTuple):
    """The numbers of one update."""

    steps: int              # T, of its rollout
    entropy: float          # of the distributions acted with, in nats, mean over the rollout
    value: float            # of the states acted in, mean over the rollout
    gradient_norm: float    # of d theta before it was clipped; not finite: the update was skipped
    episode: Episode | None     # that ended with the rollout


class Worker:
    """A worker's own state: environment, random stream, theta', d_theta and the memory of a rollout.

    Attributes:
        local: theta', which it acts and learns with: a copy of theta, or theta itself for one-step methods and DQN.
        progress: share of the annealing that was over when the latest rollout began.
        outputs, episode: of the latest rollout; see ``RolloutCollector.collect``.
    """

    def __init__(self, number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence) -> None:
        env, algorithm = config.make_episode_env(worker=number), config.algorithm
        self.number, self.config, self.shared = number, config, shared
        self.network = config.build_network(env)
        self.local = Parameters(self.network.shapes, None if algorithm.acts_on_snapshot else shared.theta)
        self.d_theta = Gradient(self.network.shapes, algorithm.rows_per_update, self.network.factored)
        self.copy_theta()
        self.statistics = shared.statistics_of(number)
        self.distribution = algorithm.behaviour_policy(env.action_space, config.worker_rng(number))
        self.collector = RolloutCollector(env, algorithm, self.network, self.distribution, np.random.default_rng(seed))
        rows = algorithm.rows_per_update + 1
        self.target = TargetNetwork(self.network, shared.target, rows) if algorithm.uses_target_network else None
        self.progress = 0.0
        self.outputs: Outputs = ()
        self.episode: Episode | None = None
        self.learned: tuple[np.ndarray, np.ndarray, Outputs] | None = None      # actions, returns, outputs: the latest

    def copy_theta(self) -> None:
        """theta' <- theta, before the first update; later ``optimizer.update`` does it."""
        if self.local.flat is not self.shared.theta:
            copy_words(self.shared.theta, self.local.flat)

    def update(self) -> Update:
        """Collect one rollout and apply one update."""
        rollout = self.collect()                                         # repeat until terminal or t_max
        returns = self.targets(rollout)                                  # R <- r + gamma ...
        self.accumulate(rollout, returns)                                # d theta <- d theta + dL / d theta'
        norm = self.apply()                                              # theta <- theta - eta d theta / sqrt(...)
        self.advance(rollout.length)                                     # T <- T + t - t_start; perhaps theta- <- theta
        return Update(rollout.length, *self.gauges(rollout.length), norm, self.episode)

    def collect(self) -> Rollout:
        """Play until terminal or t_max, with theta' or, for one-step methods, theta."""
        step = self.shared.global_step()
        self.progress = step / self.config.horizon
        self.distribution.anneal(self.config.explored + step)
        rollout, self.outputs, self.episode = self.collector.collect(self.local.tree)
        return rollout

    def targets(self, rollout: Rollout) -> np.ndarray:
        """Return the targets R (T,) of the outputs."""
        return self.config.algorithm.targets(rollout, self.target_outputs(rollout))

    def target_outputs(self, rollout: Rollout) -> Outputs:
        """Return the outputs for T + 1 states that targets use: the target network's, or else the worker's own."""
        if self.target is None:
            return self.outputs
        first = self.config.algorithm.first_target_row(rollout.length)
        return self.target.outputs(rollout, first, self.collector.recurrent.read(0))

    def accumulate(self, rollout: Rollout, returns: np.ndarray) -> Outputs:
        """d theta <- d theta + dL / d theta', over the cached rows; return dL / d outputs, T rows each."""
        T = rollout.length
        outputs = tuple(output[:T] for output in self.outputs)
        self.learned = rollout.actions, returns, outputs
        d_outputs = self.config.algorithm.loss_gradient(self.distribution, *self.learned, self.progress)
        self.network.backward(self.local.tree, self.d_theta.tree, rollout.obs[:T], self.collector.cache, d_outputs,
                              input_gradient=False)
        return d_outputs

    def apply(self) -> float:
        """theta <- theta - eta d theta / sqrt(g + epsilon), without a lock; return ||d theta|| before clipping.

        The same pass over memory: theta' <- theta and d theta <- 0, for the next rollout.
        """
        optimizer = self.config.optimizer
        eta = linear(optimizer.learning_rate, 0, self.progress)
        return optimizer.update(self.shared.theta, self.statistics, self.d_theta, self.local.flat, eta)

    def advance(self, steps: int) -> None:
        """T <- T + steps; only the worker that crosses a multiple of I_target copies theta to theta-."""
        before = self.shared.advance(steps)
        if self.config.algorithm.renews_target(before, before + steps):
            self.shared.renew_target()                                   # theta- <- theta

    def gauges(self, T: int) -> tuple[float, float]:
        """Return the mean entropy and value of the latest rollout's T states."""
        values = self.config.algorithm.value(tuple(output[:T] for output in self.outputs))
        # sum() / T is mean(), to the bit, in a third of its time
        return self.distribution.entropy(self.outputs[0][:T]), float(values.sum() / T)
