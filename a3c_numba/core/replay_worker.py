"""DQN's worker: it plays like the others, but each update is of a batch drawn from its replay memory.

    play train_interval steps with theta, and add them to the memory       Worker.collect, ReplayMemory.add
    from step warm_up on:
        draw a batch (s, a, r, s')                                          ReplayMemory.draw
        R <- r + gamma max_a' Q(s', a'; theta-)                             DQN.targets
        d theta <- dL/d theta                                               DQN.loss_gradient, network.backward
        theta <- theta - eta d theta / sqrt(g + epsilon)                    optimizer.update
    T <- T + t; if T has crossed a multiple of I_target: theta- <- theta    Worker.advance

The memory is not part of a checkpoint: a resumed run fills a new one for ``warm_up`` steps before it learns on, unless
``save_replay`` keeps it in the run's folder (training/saved_replay.py).
"""

import numpy as np

from .algorithms.dqn import DQN
from .layers.base import Outputs
from .replay import ReplayMemory, Transitions
from .shared import Shared
from .worker import Learner, Update, Worker


class ReplayWorker(Worker):
    """A worker with a replay memory."""

    def __init__(self, number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence) -> None:
        super().__init__(number, config, shared, seed)
        assert isinstance(config.algorithm, DQN) and self.target
        self.algorithm, space = config.algorithm, self.collector.env.observation_space
        self.memory = ReplayMemory(self.algorithm.memory_size, space.shape, space.dtype, config.frame_stack)
        self.cache = self.network.cache(self.algorithm.batch_size, np.float32)

    def update(self) -> Update:
        """Play some steps; after the warm-up, apply the update of one batch."""
        rollout = self.collect()
        self.memory.add(rollout, self.episode is not None)
        finite = bool(np.isfinite(rollout.rewards).all())                # else the update is skipped
        warm = self.memory.steps >= self.algorithm.warm_up
        norm = np.nan if not finite else self.learn() if warm else 0.0
        self.advance(rollout.length)
        return Update(rollout.length, *self.gauges(rollout.length), norm, self.episode)

    def learn(self) -> float:
        """Draw a batch and apply its gradient; return the gradient's norm, 0 if there is nothing to learn from."""
        batch = self.memory.draw(self.algorithm.batch_size, self.collector.rng)
        if batch is None:
            return 0.0
        self.accumulate_batch(batch, self.algorithm.targets(batch, self.next_outputs(batch)))
        return self.apply()

    def next_outputs(self, batch: Transitions) -> Outputs:
        """Return theta-'s outputs for the next observations, in the cache that theta's will be in."""
        assert self.target
        rows = slice(0, len(batch.next_obs))
        return self.network.forward(self.target.parameters.tree, batch.next_obs, self.cache, rows)

    def accumulate_batch(self, batch: Transitions, returns: np.ndarray) -> None:
        """d theta <- d theta + dL / d theta, over the batch."""
        theta, rows = self.local.tree, slice(0, len(batch.obs))
        outputs = self.network.forward(theta, batch.obs, self.cache, rows)
        self.learned = batch.actions, returns, outputs
        d_outputs = self.algorithm.loss_gradient(self.distribution, *self.learned, self.progress)
        self.network.backward(theta, self.d_theta.tree, batch.obs, self.cache, d_outputs, input_gradient=False)


def make_worker(number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence) -> Worker:
    """Return the worker that the configuration's method needs."""
    cls = ReplayWorker if config.algorithm.uses_replay else Worker
    return cls(number, config, shared, seed)
