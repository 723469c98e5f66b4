"""Real workers on real shared memory for a moment, and a record of who did what when.

A ``RecordedWorker`` is the package's own worker.  The clock, which on Linux is the same for all processes, and T are
read around two of its steps: ``collect``, which plays, and ``apply``, which is the optimiser's update.

theta is made of real numbers: its value afterwards does not show which additions were lost.  So each worker
has, right behind its update, the optimiser's own kernel add 1 to every number of a second vector as long as theta.  Had
nothing been lost, every number of that vector, the tally, would be the number of updates.  It is rounded: a processor
that estimates 1 / sqrt(1), with a step of Newton's after it, may come to a number next to 1.
"""

import time
import traceback
from typing import Any, NamedTuple

import numpy as np

from ...config import Config
from ...core.optimizers import rmsprop
from ...core.returns import Rollout
from ...core.shared import Shared
from ...core.worker import Worker
from ...envs.registry import pack, unpack
from ...system import worker_server
from ...system.channel import Channel
from ...system.child_process import WorkerProcess
from ...training.supervisor import WorkerDied
from ...training.trainer import initial_checkpoint

# Of one update: times in ns and T at these moments, of "read" theta' having been copied, "write" of optimizer.update.
COLUMNS = ("worker", "read", "T_read", "play_begin", "T_play_begin", "play_end", "T_play_end",
           "write_begin", "T_write_begin", "write_end", "T_write_end")
WARM_UP = 3                    # updates, after which every kernel is loaded
START_DELAY_NS = 50_000_000    # ns from the word to the start
PATIENCE = 120.0               # seconds that a worker may take to be made, or to answer
ZERO, ONE = np.float32(0), np.float32(1)


class Recording(NamedTuple):
    """A moment of several workers."""

    workers: int
    begin: int                 # ns
    seconds: float
    rows: np.ndarray           # int64 (updates, COLUMNS), in order of write_end
    lost: np.ndarray           # (n,) of the tally's additions, how many each element misses

    def column(self, name: str) -> np.ndarray:
        """A column (updates,) of the rows."""
        return self.rows[:, COLUMNS.index(name)]


class RecordedWorker(Worker):
    """A worker that keeps a diary, and a tally."""

    def __init__(self, number: int, config: Config, memories: tuple[Shared, Shared],
                 seed: np.random.SeedSequence) -> None:
        super().__init__(number, config, memories[0], seed)
        self.tally = memories[1]
        self.marks: list[int] = []
        self.ones, self.copied = np.zeros((2, len(self.shared.theta)), np.float32)

    def _note(self) -> None:
        self.marks += time.monotonic_ns(), self.shared.global_step()

    def collect(self) -> Rollout:
        """The worker's, between two notes."""
        self._note()
        rollout = super().collect()
        self._note()
        return rollout

    def apply(self) -> float:
        """The worker's, between two notes."""
        self._note()
        norm = super().apply()
        self._note()
        return norm

    def tally_update(self) -> None:
        """tally += 1 by the package's kernel: theta - (-1) 1 / sqrt(0 + 1)."""
        self.ones[:] = ONE
        rmsprop.update(self.tally.theta, self.tally.statistics, self.ones, self.copied, -ONE, ZERO, ZERO, ONE)

    def record(self, until: int) -> np.ndarray:
        """Updates until that time, a row of COLUMNS each."""
        rows = []
        self.copy_theta()
        self.marks.clear()
        self._note()
        read = tuple(self.marks)
        while time.monotonic_ns() < until:
            self.marks.clear()
            self.update()
            began, ended = tuple(self.marks[:2]), tuple(self.marks[-2:])
            rows.append((self.number, *(read if self.config.algorithm.acts_on_snapshot else began), *self.marks))
            read = ended                                                 # optimizer.update leaves theta' <- theta
            self.tally_update()
        return np.array(rows, np.int64).reshape(-1, len(COLUMNS))


def _work(number: int, packed: bytes, memories: tuple[Shared, Shared], pipe: Channel) -> None:
    """A worker process: gets ready, then records whenever it is told from when until when."""
    try:
        config = unpack(packed)
        seed = np.random.SeedSequence(config.seed, spawn_key=(number + 1,))
        worker = RecordedWorker(number, config, memories, seed)
        for _ in range(WARM_UP):
            worker.update()
            worker.tally_update()
        pipe.send("ready")
        for begin, until in iter(pipe.recv, None):
            while time.monotonic_ns() < begin:
                time.sleep(0.0005)
            pipe.send(worker.record(until))
    except (EOFError, ConnectionError):                                  # the main process has exited
        return
    except Exception:
        pipe.send(traceback.format_exc())


class RaceRecorder:
    """Worker processes that wait; ``record`` sets the first few of them on a fresh theta.  A context manager."""

    def __init__(self, config: Config) -> None:
        self.start = initial_checkpoint(config)
        n = len(self.start.theta)
        self.shared = Shared(n, config.workers, config.optimizer.own_statistics, config.algorithm.uses_target_network)
        self.tally = Shared(n, 1)
        self.shared.load(self.start.theta, None, None)
        self.pipes: list[Channel] = []
        self.processes: list[WorkerProcess] = []
        try:
            self._start(config)
        except BaseException:
            self.close()
            raise

    def _start(self, config: Config) -> None:
        for number in range(config.workers):
            ours, theirs = Channel.pair()
            self.pipes.append(ours)
            with theirs:
                memories = self.shared, self.tally
                self.processes.append(worker_server.start(_work, number, pack(config), memories, theirs))
            if number == 0:
                self._answer(0)                                          # from now on the kernels are in the cache
        for number in range(1, config.workers):
            self._answer(number)

    def _answer(self, number: int, seconds: float = 0.0) -> Any:
        """What a worker says next; raises WorkerDied where it says what went wrong, or nothing."""
        try:
            if self.pipes[number].poll(PATIENCE + seconds):
                said = self.pipes[number].recv()
                if not isinstance(said, str) or said == "ready":
                    return said
                raise WorkerDied(f"worker {number} failed\n{said}".strip())
        except (EOFError, OSError):
            raise WorkerDied(f"worker {number} ended") from None
        raise WorkerDied(f"worker {number} did not answer")

    def record(self, workers: int, seconds: float) -> Recording:
        """Let that many workers train from the beginning for that long."""
        shared, tally = self.shared, self.tally
        shared.theta[:], shared.statistics[:], shared.clock[:], tally.theta[:] = self.start.theta, 0, 0, 0
        shared.target[:] = self.start.theta[:shared.target.size]
        begin = time.monotonic_ns() + START_DELAY_NS
        for pipe in self.pipes[:workers]:
            pipe.send((begin, begin + round(1e9 * seconds)))
        rows = np.concatenate([self._answer(number, seconds) for number in range(workers)])
        rows = rows[np.argsort(rows[:, COLUMNS.index("write_end")], kind="stable")]
        return Recording(workers, begin, seconds, rows, len(rows) - np.rint(tally.theta).astype(np.int64))

    def close(self) -> None:
        """End the processes."""
        worker_server.end(self.processes)
        for pipe in self.pipes:
            pipe.close()

    def __enter__(self) -> "RaceRecorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
