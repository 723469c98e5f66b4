"""Short runs of a toy, and their records.

A single worker runs in this process, so that a run is repeatable to the last bit on the same type of processor, and
healthy and broken runs differ by the bug alone.  Several workers are processes, as in any run.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...config import Config
from ...core.worker import Worker
from ...training.reporter import LogReporter
from ...training.trainer import Trainer, initial_checkpoint
from ...training.worker_status import RING

BINS = 24                      # points along a curve
UNREAD = np.full(3, np.nan)    # an episode that was overwritten before it was read
Curve = np.ndarray


@dataclass(frozen=True)
class Record:
    """The record of one run of ``total_steps`` agent steps.

    Attributes:
        episodes: (n, 4): worker, T at its end, score, length; in order for each worker; the last three are nan if the
            episode was not read in time.
        updates: (m, 6): T, steps, entropy, V, gradient norm, CPU seconds; only for a worker in this process.
    """

    total_steps: int
    episodes: np.ndarray
    updates: np.ndarray

    def places(self, steps: Curve) -> Curve:
        """Return the bins (n,) that hold ``steps`` (n,)."""
        return np.minimum(steps * BINS // self.total_steps, BINS - 1).astype(int)

    def binned(self, steps: Curve, values: Curve) -> Curve:
        """Return means (BINS,) of ``values`` (n,) at ``steps`` (n,) agent steps, without nan; nan for an empty bin."""
        steps, values = steps[~np.isnan(steps)], values[~np.isnan(steps)]
        places = self.places(steps)
        sums, counts = np.bincount(places, values, BINS), np.bincount(places, minlength=BINS)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def run_in_process(config: Config) -> Record:
    """Make a run of one worker in this process."""
    shared = Trainer(initial_checkpoint(config)).shared
    worker = Worker(0, config, shared, np.random.SeedSequence(config.seed, spawn_key=(1,)))
    updates, episodes = [], []
    while (before := shared.global_step()) < config.total_steps:
        started = time.process_time()
        update = worker.update()
        spent, now = time.process_time() - started, shared.global_step()
        updates.append((now, now - before, update.entropy, update.value, update.gradient_norm, spent))
        episodes += [(now, *update.episode)] if update.episode else []
    return Record(config.total_steps, _rows(0, episodes), np.array(updates, np.float64))


def run_in_worker_processes(config: Config) -> Record:
    """Make a run whose workers are processes."""
    log: list[list[Any]] = [[] for _ in range(config.workers)]

    def read_on(_: object = None) -> None:
        for worker, played in enumerate(trainer.status.episodes.tolist()):
            log[worker] += [UNREAD] * (played - RING // 2 - len(log[worker]))        # older ones may be overwritten
            log[worker] += [trainer.status.episode(worker, k)[1:] for k in range(len(log[worker]), played)]

    trainer = Trainer(initial_checkpoint(config), None, LogReporter(0.0), read_on)     # called at every poll
    trainer.run()
    read_on()
    rows = [_rows(worker, episodes) for worker, episodes in enumerate(log)]
    return Record(config.total_steps, np.concatenate(rows), np.empty((0, 6)))


def _rows(worker: int, episodes: Any) -> np.ndarray:
    """Return (worker, T, score, length) for each episode: (n, 4)."""
    rows = np.array(episodes, np.float64).reshape(-1, 3)
    return np.insert(rows, 0, worker, axis=1)
