"""A worker's process, from its first line to its last: updates, a heartbeat, and states when they are asked for."""

import time
import traceback
from contextlib import suppress

import numpy as np

from ..core.replay_worker import make_worker
from ..core.worker import Learner, Worker
from ..envs.adapted_spaces import running_statistics
from ..envs.heartbeat import Heartbeat
from ..runs.checkpoint import WorkerState
from ..system.channel import Channel
from ..system.exhaustion import exhausted
from ..system.subnormals import flush_subnormals
from ..system.terminal import log_once
from .collector_state import collector_state, restore
from .losses import Moments, averaged, moments_of
from .saved_replay import check_episode, replay_state, use_file
from .worker_status import WorkerStatus


MOMENTS_SECONDS = 0.5          # from one update whose losses are looked at to the next


def loop(worker: Worker, status: WorkerStatus, pipe: Channel) -> None:
    """Update until the run is over or asked to stop; send this worker's state when it is asked for, and at the end."""
    worker.copy_theta()
    due, moments = 0.0, Moments()
    while not status.stopping and worker.shared.global_step() < worker.config.total_steps:
        update = worker.update()
        if (now := time.monotonic()) >= due:
            moments = averaged(moments, moments_of(worker))
            status.note_moments(worker.number, moments)
            due = now + MOMENTS_SECONDS
        status.count_update(worker.number, update)
        if pipe.peer_closed():
            raise SystemExit(1)                                          # the run has ended without a word
        if status.is_requested(worker.number):
            publish(worker, status, pipe)
    status.note_moments(worker.number, averaged(moments, moments_of(worker)))
    publish(worker, status, pipe, "last state")


def publish(worker: Worker, status: WorkerStatus, pipe: Channel, kind: str = "state") -> None:
    """Send the worker's random stream and episode; theta, statistics and theta- are copied as they stand."""
    number, request = worker.number, status.request()
    status.snapshot(number)
    pipe.send((kind, collector_state(worker.collector) | {"steps": int(status.steps[number])} | replay_state(worker)))
    status.answered[number] = request


def main(number: int, config: Learner, status: WorkerStatus, seed: np.random.SeedSequence,
         state: WorkerState | None, pipe: Channel) -> None:
    """A worker from its first line to its last; what goes wrong is sent to the trainer as a traceback."""
    flush_subnormals()
    again = () if state is None else (number, status.shared.global_step() % 2**32)      # the seed is not new then
    np.random.seed([*seed.generate_state(4), *again])                    # NumPy's own stream, of an environment's noise
    failed, worker = "unmade", None
    try:
        worker = make_worker(number, config, status.shared, seed)
        worker.collector.env.env = Heartbeat(worker.collector.env.env, status.heartbeats, number)
        failed = "error"
        if status.replay:
            use_file(worker, status.replay, state)
        if state is not None:
            restore(worker.collector, state)
            check_episode(worker)
            if number == 0 and (line := running_statistics(worker.collector.env)):
                log_once(line)
        loop(worker, status, pipe)
    except (Exception, SystemExit) as error:                             # an environment may call sys.exit
        with suppress(OSError):                                          # the main process is gone
            if lack := exhausted(error):
                pipe.send(("exhausted", lack))
            pipe.send((failed, traceback.format_exc()))
        raise SystemExit(1) from None
    finally:                                                             # all has been said: here it may hang or fail
        if worker:
            with suppress(Exception, SystemExit):
                worker.collector.env.env.close()
