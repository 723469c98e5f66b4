"""One worker: the body of Algorithm S3, in a process of its own.

    repeat
        theta' <- theta
        play until terminal or t_max                                     rollout.Player
        R <- r + gamma R                                                 algorithm.targets
        d theta <- d theta + dL/d theta'                                 algorithm.loss_gradient, network.backward
        theta <- theta - eta d theta / sqrt(g + epsilon)                 optimizer.update, without a lock
        T <- T + t                                                       shared.advance
    until T > T_max
"""

import multiprocessing
import signal
import traceback
from typing import Any

import numpy as np

from .config import Config
from .parameters import Parameters
from .rollout import Player
from .schedules import linear
from .shared import REQUEST, SERVED, STEPS, Shared


class Worker:
    """Everything that is the worker's own: environment, random stream, theta', d_theta and the rollout's memory."""

    def __init__(self, number: int, config: Config, shared: Shared, seed: np.random.SeedSequence) -> None:
        env = config.make_env()
        self.number, self.config, self.shared = number, config, shared
        self.network = config.build_network(env)
        self.local = Parameters(self.network.shapes)
        self.d_theta = Parameters(self.network.shapes)
        self.player = Player(env, config.algorithm, self.network, np.random.default_rng(seed))
        self.local.flat[:] = shared.theta                                # theta' <- theta

    def update(self) -> None:
        """One rollout, one update."""
        shared, algorithm, optimizer = self.shared, self.config.algorithm, self.config.optimizer
        progress = shared.global_step() / self.config.total_steps
        rollout, outputs, episode = self.player.play(self.local.tree)    # until terminal or t_max
        returns = algorithm.targets(rollout, outputs)                    # R <- r + gamma R
        outputs = tuple(output[:rollout.length] for output in outputs)
        d_outputs, entropy = algorithm.loss_gradient(rollout.actions, returns, outputs, progress)
        self.network.backward(self.local.tree, self.d_theta.tree, rollout.obs[:rollout.length], self.player.cache,
                              d_outputs, input_gradient=False)           # accumulate d_theta
        eta = linear(optimizer.learning_rate, 0, progress)
        norm = optimizer.update(shared.theta, shared.statistics, self.d_theta.flat, self.local.flat, eta)
        shared.advance(self.number, rollout.length, (entropy, float(outputs[-1].mean()), norm))   # T <- T + t
        if episode:
            shared.record(self.number, *episode)

    def loop(self, pipe: Any) -> None:
        """Update until the run is over or told to stop; hand out this worker's state when it is asked for."""
        shared = self.shared
        parent = multiprocessing.parent_process()
        while not shared.stopping and shared.global_step() < self.config.total_steps:
            self.update()
            if parent and not parent.is_alive():
                raise SystemExit(1)                                      # nobody is left to train for
            if shared.commands[REQUEST] > shared.counters[self.number, SERVED]:
                self.publish(pipe)
        self.publish(pipe)

    def publish(self, pipe: Any) -> None:
        """Send this worker's random stream and episode; worker 0 also copies theta and the statistics as they stand."""
        shared = self.shared
        if self.number == 0:
            shared.snapshot[0] = shared.theta
            shared.snapshot[1] = shared.statistics
        pipe.send(("state", self.player.state() | {"steps": int(shared.counters[self.number, STEPS])}))
        shared.counters[self.number, SERVED] = shared.commands[REQUEST]


def main(number: int, config: Config, shared: Shared, seed: np.random.SeedSequence, state: Any, pipe: Any) -> None:
    """A worker process from its first line to its last; what goes wrong is sent to the trainer as a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)                         # a group's signals reach all; the trainer acts
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        worker = Worker(number, config, shared, seed)
        if state is not None:
            worker.player.restore(state)
        worker.loop(pipe)
    except Exception:
        pipe.send(("error", traceback.format_exc()))
        raise SystemExit(1) from None
