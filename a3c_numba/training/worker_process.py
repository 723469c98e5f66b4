"""A worker's process, from its first line to its last: updates, a heartbeat, and states when they are asked for."""

import multiprocessing
import traceback
from contextlib import suppress
from typing import Any

import gymnasium
import numpy as np

from ..core.shared import HEARTBEAT, REQUEST, SERVED, STEPS, Shared
from ..core.worker import Learner, Worker
from ..system.subnormals import flush_subnormals


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


def loop(worker: Worker, pipe: Any) -> None:
    """Update until the run is over or asked to stop; send this worker's state when it is asked for, and at the end."""
    shared = worker.shared
    parent = multiprocessing.parent_process()
    worker.synchronise()
    while not shared.stopping and shared.global_step() < worker.config.total_steps:
        shared.count_update(worker.number, worker.update())
        if parent and not parent.is_alive():
            raise SystemExit(1)                                          # the run has ended without a word
        if shared.commands[REQUEST] > shared.counters[worker.number, SERVED]:
            publish(worker, pipe)
    publish(worker, pipe, "last state")


def publish(worker: Worker, pipe: Any, kind: str = "state") -> None:
    """Send the worker's random stream and episode; theta, statistics and theta- are copied as they stand."""
    shared, number = worker.shared, worker.number
    request = shared.commands[REQUEST]
    shared.keep(number)
    pipe.send((kind, worker.player.state() | {"steps": int(shared.counters[number, STEPS])}))
    shared.counters[number, SERVED] = request


def main(number: int, config: Learner, shared: Shared, seed: np.random.SeedSequence, state: Any, pipe: Any) -> None:
    """A worker from its first line to its last; what goes wrong is sent to the trainer as a traceback."""
    flush_subnormals()
    np.random.seed(seed.generate_state(4))                               # NumPy's own stream, of an environment's noise
    failed, worker = "unmade", None
    try:
        worker = Worker(number, config, shared, seed)
        worker.player.env = Heartbeat(worker.player.env, shared.counters[number])
        failed = "error"
        if state is not None:
            worker.player.restore(state)
        loop(worker, pipe)
    except Exception:
        pipe.send((failed, traceback.format_exc()))
        raise SystemExit(1) from None
    finally:                                                             # all has been said: here it may hang or fail
        if worker:
            with suppress(Exception):
                worker.player.env.close()
