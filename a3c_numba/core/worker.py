"""One worker: the body of Algorithms 1, S2 and S3, in a process of its own.

    repeat
        d theta <- 0, theta' <- theta         (one-step methods read theta itself)   behind the last optimizer.update
        play until terminal or t_max                                     rollout.Player
        R <- 0 if terminal, else              V(s_T; theta')  A3C        algorithm.targets, target_network.py
                                              max_a Q(s_T, a; theta-)  n-step Q
        R <- r_t + gamma R, backwards         (one-step methods: r_t + gamma Q(s_{t+1}, .; theta-) for each step)
        d theta <- d theta + dL/d theta'                                 algorithm.loss_gradient, network.backward
        theta <- theta - eta d theta / sqrt(g + epsilon)                 optimizer.update, without a lock
        T <- T + t                            (the paper counts step by step)   shared.advance
        if T has crossed a multiple of I_target: theta- <- theta
    until T > T_max
"""

import multiprocessing
import traceback
from contextlib import suppress
from typing import Any, Protocol

import gymnasium
import numpy as np

from ..system.subnormals import flush_subnormals
from .gradient import Gradient
from .parameters import Parameters
from .rollout import Player, Rollout
from .schedules import linear
from .shared import HEARTBEAT, REQUEST, SERVED, STEPS, Shared
from .target_network import TargetNetwork


class Heartbeat(gymnasium.Wrapper):
    """Counts the steps and resets that the environment comes back from, where the main process sees it."""

    def __init__(self, env: gymnasium.Env, slot: np.ndarray) -> None:
        super().__init__(env)
        self.slot = slot

    def step(self, action: Any) -> Any:
        """The environment's."""
        result = self.env.step(action)
        self.slot[HEARTBEAT] += 1
        return result

    def reset(self, **options: Any) -> Any:
        """The environment's."""
        result = self.env.reset(**options)
        self.slot[HEARTBEAT] += 1
        return result


class Learner(Protocol):
    """What a worker has to know of a run: ``config.Config`` is one."""

    @property
    def algorithm(self) -> Any:
        """The method."""

    @property
    def optimizer(self) -> Any:
        """What applies gradients."""

    @property
    def total_steps(self) -> int:
        """T_max."""

    def make_env(self) -> Any:
        """A new environment."""

    def build_network(self, env: Any) -> Any:
        """The network for this environment."""

    def chance_of_worker(self, number: int) -> np.random.Generator:
        """What a worker draws once for the whole run."""


class Worker:
    """Everything that is the worker's own: environment, random stream, theta', d_theta and the rollout's memory."""

    def __init__(self, number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence) -> None:
        env, algorithm = Heartbeat(config.make_env(), shared.counters[number]), config.algorithm
        self.number, self.config, self.shared = number, config, shared
        self.network = config.build_network(env)
        self.local = Parameters(self.network.shapes)
        self.d_theta = Gradient(self.network.shapes, algorithm.update_steps, self.network.factored)
        self.synchronise()
        self.acting = self.local if algorithm.snapshot else Parameters(self.network.shapes, shared.theta)
        self.statistics = shared.statistics_of(number)
        self.policy = algorithm.behaviour(env.action_space, config.chance_of_worker(number))
        self.player = Player(env, algorithm, self.network, self.policy, np.random.default_rng(seed))
        rows = algorithm.update_steps + 1
        self.target = TargetNetwork(self.network, shared.target, rows) if algorithm.uses_target else None

    def synchronise(self) -> None:
        """theta' <- theta, at the beginning; from the first update on ``optimizer.update`` does that on its way."""
        self.local.flat[:] = self.shared.theta

    def update(self) -> None:
        """One rollout, one update."""
        shared, algorithm, optimizer = self.shared, self.config.algorithm, self.config.optimizer
        step = shared.global_step()
        progress = step / self.config.total_steps
        self.policy.anneal(step)
        rollout, outputs, episode = self.player.play(self.acting.tree)   # until terminal or t_max
        returns = algorithm.targets(rollout, self.bootstraps(rollout, outputs))   # R <- r + gamma ...
        outputs = tuple(output[:rollout.length] for output in outputs)
        d_outputs = algorithm.loss_gradient(self.policy, rollout.actions, returns, outputs, progress)
        self.network.backward(self.acting.tree, self.d_theta.tree, rollout.obs[:rollout.length], self.player.cache,
                              d_outputs, input_gradient=False)           # accumulate d_theta
        # sum() / T is mean(), to the bit, in a third of its time
        gauges = self.policy.entropy(outputs[0]), float(algorithm.value(outputs).sum() / rollout.length)
        eta = linear(optimizer.learning_rate, 0, progress)
        # theta without a lock; on its way also theta' <- theta and d theta <- 0, for the next rollout
        norm = optimizer.update(shared.theta, self.statistics, self.d_theta, self.local.flat, eta)
        self.advance(rollout.length, (*gauges, norm))
        if episode:
            shared.record(self.number, *episode)

    def bootstraps(self, rollout: Rollout, outputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """What the targets are read off: the target network's outputs for T + 1 states, or else the worker's own."""
        if self.target is None:
            return outputs
        first = self.config.algorithm.first_bootstrap(rollout.length)
        return self.target.outputs(rollout, first, self.player.recurrent.read(0))

    def advance(self, steps: int, gauges: tuple[float, float, float]) -> None:
        """T <- T + t; the worker that crosses a multiple of I_target, and no other, renews theta-."""
        before = self.shared.advance(self.number, steps, gauges)
        if self.target is not None:
            interval = self.config.algorithm.target_interval
            if before // interval != (before + steps) // interval:
                self.shared.target[:] = self.shared.theta                # theta- <- theta

    def loop(self, pipe: Any) -> None:
        """Update until the run is over or told to stop; hand out this worker's state when it is asked for."""
        shared = self.shared
        parent = multiprocessing.parent_process()
        self.synchronise()
        while not shared.stopping and shared.global_step() < self.config.total_steps:
            self.update()
            if parent and not parent.is_alive():
                raise SystemExit(1)                                      # nobody is left to train for
            if shared.commands[REQUEST] > shared.counters[self.number, SERVED]:
                self.publish(pipe)
        self.publish(pipe, "last state")

    def publish(self, pipe: Any, kind: str = "state") -> None:
        """Send this worker's random stream and episode; theta, statistics and theta- are copied as they stand."""
        shared = self.shared
        request = shared.commands[REQUEST]
        shared.keep(self.number)
        pipe.send((kind, self.player.state() | {"steps": int(shared.counters[self.number, STEPS])}))
        shared.counters[self.number, SERVED] = request


def main(number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence, state: Any, pipe: Any) -> None:
    """A worker from its first line to its last; what goes wrong is sent to the trainer as a traceback."""
    flush_subnormals()
    np.random.seed(seed.generate_state(4))                               # NumPy's own stream, of an environment's noise
    failed, worker = "unmade", None
    try:
        worker = Worker(number, config, shared, seed)
        failed = "error"
        if state is not None:
            worker.player.restore(state)
        worker.loop(pipe)
    except Exception:
        pipe.send((failed, traceback.format_exc()))
        raise SystemExit(1) from None
    finally:                                                             # all has been said: here it may hang or fail
        if worker:
            with suppress(Exception):
                worker.player.env.close()
