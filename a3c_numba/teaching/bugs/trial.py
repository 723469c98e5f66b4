"""Short runs of a toy, and what is written down of them.

With one worker everything happens in this process, so that a run is repeatable to the last bit and healthy and broken
differ by the bug alone.  With several, the workers are processes as in any run.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...config import Config
from ...core.worker import Worker
from ...training.trainer import Trainer, start_of
from ...training.worker_status import RING

BINS = 24                      # points along a curve
UNREAD = np.full(3, np.nan)    # an episode that was over long before this process looked
Curve = np.ndarray


@dataclass(frozen=True)
class Record:
    """What happened in one run of ``total_steps`` agent steps.

    Attributes:
        episodes: (n, 4): worker, T at its end, score, length; each worker's in its order, the last three nan of one
            that nobody has read in time.
        updates: (m, 6): T, steps, entropy, V, gradient norm, CPU seconds; of one worker in this process only.
    """

    total_steps: int
    episodes: np.ndarray
    updates: np.ndarray

    def places(self, steps: Curve) -> Curve:
        """The bins (n,) in which ``steps`` (n,) lie."""
        return np.minimum(steps * BINS // self.total_steps, BINS - 1).astype(int)

    def binned(self, steps: Curve, values: Curve) -> Curve:
        """Means (BINS,) of ``values`` (n,) at ``steps`` (n,) agent steps, nan left out; nan where there are none."""
        steps, values = steps[~np.isnan(steps)], values[~np.isnan(steps)]
        places = self.places(steps)
        sums, counts = np.bincount(places, values, BINS), np.bincount(places, minlength=BINS)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def in_this_process(config: Config) -> Record:
    """One worker, update after update."""
    shared = Trainer(start_of(config)).shared
    worker = Worker(0, config, shared, np.random.SeedSequence(config.seed, spawn_key=(1,)))
    updates, episodes = [], []
    while (before := shared.global_step()) < config.total_steps:
        started = time.process_time()
        update = worker.update()
        spent, now = time.process_time() - started, shared.global_step()
        updates.append((now, now - before, update.entropy, update.value, update.gradient_norm, spent))
        episodes += [(now, *update.episode)] if update.episode else []
    return Record(config.total_steps, _rows(0, episodes), np.array(updates, np.float64))


def in_processes(config: Config) -> Record:
    """Workers in processes of their own."""
    log: list[list[Any]] = [[] for _ in range(config.workers)]
    trainer = Trainer(start_of(config))

    def read_on(_: Any = None) -> None:
        for worker, played in enumerate(trainer.status.episodes.tolist()):
            log[worker] += [UNREAD] * (played - RING // 2 - len(log[worker]))        # older ones may be written over
            log[worker] += [trainer.status.episode(worker, k)[1:] for k in range(len(log[worker]), played)]

    trainer.callback, trainer.report_seconds = read_on, 0.0              # at every look
    trainer.run()
    read_on()
    rows = [_rows(worker, episodes) for worker, episodes in enumerate(log)]
    return Record(config.total_steps, np.concatenate(rows), np.empty((0, 6)))


def _rows(worker: int, episodes: Any) -> np.ndarray:
    """(worker, T, score, length) of each, (n, 4)."""
    rows = np.array(episodes, np.float64).reshape(-1, 3)
    return np.insert(rows, 0, worker, axis=1)
