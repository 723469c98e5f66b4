"""What the workers and the main process see of each other, in shared memory: counts, gauges, episodes, requests.

Nothing here is ever locked, and every number has one writer: a worker writes what is its own, the main process the
requests, and ``heartbeats`` before it starts a worker.
"""

import time

import numpy as np

from ..core.shared import LINE, Shared, Vectors
from ..core.worker import Update
from ..runs.replay_file import ReplayFile
from ..system.atomic_counter import fetch_add
from ..system.shared_memory import ArraySpec, SharedArrays
from ..system.whole_words import copy_words
from .losses import Moments

COUNTS = ("steps", "updates", "skipped", "episodes", "heartbeats", "answered")     # of each worker
GAUGES = 3                     # entropy, value, gradient norm
STOP, REQUEST = range(2)                                                 # places in the commands
RING = 1024                    # finished episodes of one worker that wait to be read
EpisodeRow = tuple[float, int, int, float, int]    # of episodes.csv: seconds, step, worker, score, length
EPISODE_FIELDS = ("seconds", "global_step", "score", "length")


class WorkerStatus:
    """The workers of one run.  Pickled to a worker process, it is the same memory there, and so is ``shared``.

    Attributes:
        shared: the vectors and T.
        kept: copies of theta, statistics and target as they were at the last request.
        steps, updates, skipped, episodes: int64 (workers,), how many each worker has made; skipped are updates whose
            gradient was not finite, episodes are finished ones.
        heartbeats: int64 (workers,), steps and resets that each worker's environment has come back from.
        replay: the file of the replay memory, if it is saved.
    """

    replay: ReplayFile | None = None

    steps: np.ndarray
    updates: np.ndarray
    skipped: np.ndarray
    episodes: np.ndarray
    heartbeats: np.ndarray
    answered: np.ndarray       # the last request that each worker has answered

    def __init__(self, shared: Shared, workers: int, seconds: float = 0.0) -> None:
        """Zeros; ``seconds`` of training have gone by already."""
        self.shared, self.workers = shared, workers
        self.start_time = time.monotonic() - seconds
        self._memory = SharedArrays([
            *(ArraySpec(np.float32, vector.shape) for vector in shared.vectors),             # kept
            ArraySpec(np.int64, (workers, LINE)),                                            # counts
            ArraySpec(np.float64, (workers, LINE)),                                          # gauges
            ArraySpec(np.float64, (workers, LINE)),                                          # moments
            ArraySpec(np.float64, (workers, RING, len(EPISODE_FIELDS))),                     # finished episodes
            ArraySpec(np.int64, (LINE,)),                                                    # commands
        ])
        self._view()

    def _view(self) -> None:
        arrays = self._memory.arrays()
        self.snapshot_vectors = Vectors(*arrays[:3])
        self._counts, self._gauges, self._moments, self._ring, self._commands = arrays[3:]
        for column, name in enumerate(COUNTS):
            setattr(self, name, self._counts[:, column])

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("shared", "workers", "start_time", "_memory", "replay")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._view()

    def seconds(self) -> float:
        """Wall-clock seconds of training, from the very start of the run."""
        return time.monotonic() - self.start_time

    def count_update(self, worker: int, update: Update) -> None:
        """Note an update and the episode that ended with it; only ``worker`` itself calls this.

        T has moved before: the last checkpoint relies on it.
        """
        self.steps[worker] += update.steps
        self._gauges[worker, :GAUGES] = update.entropy, update.value, update.gradient_norm
        self.updates[worker] += 1                                        # after the gauges: from now on they count
        self.skipped[worker] += not np.isfinite(update.gradient_norm)
        if update.episode:
            self.push_episode(worker, *update.episode)

    def note_moments(self, worker: int, moments: Moments) -> None:
        """Note the worker's moments, before an update is counted; only ``worker`` itself calls this."""
        self._moments[worker, :len(moments)] = moments

    def push_episode(self, worker: int, score: float, length: int) -> None:
        """Put a finished episode into the worker's ring; the count moves last, so a reader never sees half of it.

        The count is published by an atomic addition, and ``new_episodes`` reads it by one.
        """
        place = self.episodes[worker] % RING
        self._ring[worker, place] = self.seconds(), self.shared.global_step(), score, length
        fetch_add(self._episode_counter(worker), 1)

    def _episode_counter(self, worker: int) -> np.ndarray:
        return self._counts[worker, COUNTS.index("episodes"):]

    def episode(self, worker: int, number: int) -> tuple[float, int, float, int]:
        """EPISODE_FIELDS of the worker's episode of this number, from 0, one of its last RING."""
        seconds, step, score, length = self._ring[worker, number % RING].tolist()
        return seconds, int(step), score, int(length)

    def new_episodes(self, since: np.ndarray) -> list[EpisodeRow]:
        """Rows of episodes.csv for what has ended after each worker's first ``since`` (workers,) episodes; moves these
        on.

        Older ones than a ring holds are lost.
        """
        rows = []
        for worker in range(self.workers):
            written = fetch_add(self._episode_counter(worker), 0)        # its rows are seen, too
            for number in range(max(int(since[worker]), written - RING), written):
                seconds, step, score, length = self.episode(worker, number)
                rows.append((seconds, step, worker, score, length))
            since[worker] = written
        return sorted(rows)

    def gauges(self) -> np.ndarray:
        """Entropy, value and gradient norm (workers, 3) of each worker's latest update; NaN before its first."""
        unknown = self.updates == 0                                      # first: what is counted has gauges
        gauges = self._gauges[:, :GAUGES].copy()
        gauges[unknown] = np.nan
        return gauges

    def moments(self) -> np.ndarray:
        """Moments (workers, 7) of each worker that has made an update."""
        return self._moments[self.updates > 0, :len(Moments._fields)].copy()

    def snapshot(self, worker: int) -> None:
        """Copy what is to be kept: worker 0 what all share, every other one what is its own."""
        shared = self.shared
        n, own = len(shared.theta), shared.statistics.size > len(shared.theta)
        if own or worker == 0:
            start = worker * n * own
            copy_words(shared.statistics[start:start + n], self.snapshot_vectors.statistics[start:start + n])
        if worker == 0:
            copy_words(shared.theta, self.snapshot_vectors.theta)
            copy_words(shared.target, self.snapshot_vectors.target)

    def request_states(self) -> None:
        """Ask all workers for their states at the end of the rollouts they are in."""
        self._commands[REQUEST] += 1

    def request(self) -> int:
        """The number of the last request."""
        return int(self._commands[REQUEST])

    def is_requested(self, worker: int) -> bool:
        """Whether there is a request that the worker has not answered."""
        return bool(self._commands[REQUEST] > self.answered[worker])

    def stop(self) -> None:
        """Ask all workers to end after the rollouts they are in."""
        self._commands[STOP] = 1

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` has been called."""
        return bool(self._commands[STOP])
