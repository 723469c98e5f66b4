"""A node: one machine's trainer, unchanged, and the exchange of what its workers learn.

A node begins with what a parameter server hands it: theta, T, and another node's g, since RMSProp's first steps with
g = 0 are ten times too long.  It numbers itself by the server's count of all nodes that ever joined: the first draws
from the run's own random streams, every other one from a seed of its own.

Ray makes an actor of it, and restarts it by its constructor; tests call it directly.
"""

import dataclasses
import platform
import threading
import traceback
from collections import deque
from importlib import import_module
from typing import NamedTuple

import numpy as np

from ..config import Config
from ..envs.registry import unpack
from ..runs.checkpoint import Checkpoint
from ..runs.progress import Progress
from ..training.limits import Limits
from ..training.trainer import Trainer
from ..training.worker_status import EpisodeRow
from .exchanger import Exchanger, ExchangeThread, Server
from .messages import Report, State
from .shards import SharedSlice, joined, slices

STREAM = 2**32 - 3             # of the seeds of nodes; the last two are the agent's and config.worker_rng's
WAITING = 100_000              # episodes that wait for the driver to ask; older ones are counted, but lost
LOOK_SECONDS = 0.2             # between two looks at the request to stop, and for a parameter server


class NodeSettings(NamedTuple):
    """What every node of a run is started with.

    Attributes:
        config: as ``envs.registry.pack`` gives it; its workers are those of one node.
        shapes: of the parameters.
        streams: random streams that the run has used.
        every: updates of the node from one exchange to the next; 0: it is alone, and replaces the centre.
    """

    config: bytes
    shapes: dict[str, tuple[int, ...]]
    streams: int
    limits: Limits
    every: int


def versions() -> dict[str, str]:
    """Return the versions that have to be the same on all machines."""
    ours: str = import_module("..", __package__).__version__             # the package imports this folder
    return {"a3c_numba": ours, "Python": ".".join(platform.python_version_tuple()[:2]),
            "NumPy": np.__version__.split(".")[0]}


def node_config(config: Config, start: State) -> Config:
    """Return the configuration of the node that joined with this state: another seed for all but the first."""
    if start.joined == 0:
        return config
    drawn = np.random.SeedSequence(config.seed, spawn_key=(STREAM, start.joined, start.global_step))
    return dataclasses.replace(config, seed=int(drawn.generate_state(1, np.uint64)[0] >> np.uint64(1)))


class NodeReporter:
    """A Reporter that keeps the warnings until the driver asks for them."""

    report_seconds: float | None = LOOK_SECONDS

    def __init__(self) -> None:
        self.warnings: deque[str] = deque()                              # the train thread adds, the report takes

    def taken(self) -> tuple[str, ...]:
        """Return the lines that were not taken yet."""
        return tuple(self.warnings.popleft() for _ in range(len(self.warnings)))

    def update(self, row: Progress) -> None:
        """Show nothing."""

    def warn(self, lines: list[str]) -> None:
        """Keep the lines."""
        self.warnings.extend(lines)

    def note(self, lines: list[str]) -> None:
        """Show nothing."""

    def close(self, row: Progress) -> None:
        """Show nothing."""


class Node:
    """Train in a thread from the first moment that the parameter servers hold a theta."""

    def __init__(self, servers: list[Server], settings: NodeSettings) -> None:
        self.servers, self.settings = servers, settings
        self.reporter = NodeReporter()
        self.trainer: Trainer | None = None
        self.exchange: ExchangeThread | None = None
        self.stopping, self.finished = threading.Event(), False
        self.joined, self.failure, self.read = -1, "", np.zeros(0, np.int64)
        self.episodes: deque[EpisodeRow] = deque(maxlen=WAITING)         # the train thread adds, the report takes
        self.reading = threading.Lock()
        self.thread = threading.Thread(target=self._run, name="train", daemon=True)
        self.thread.start()

    def versions(self) -> dict[str, str]:
        """Return this machine's versions."""
        return versions()

    def stop(self) -> None:
        """Ask the trainer to end; the node hands in its last delta."""
        self.stopping.set()

    def _run(self) -> None:
        try:
            start = self._join()
            if start is not None:
                self._train(start)
        except BaseException as error:                                   # it is the driver's to raise
            self.failure = f"{type(error).__name__}: {error}"
            if not isinstance(error, (ValueError, RuntimeError, OSError)):
                self.failure = traceback.format_exc()
        self.finished = True

    def _join(self) -> list[State] | None:
        """Return each parameter server's part of the state, as soon as all have one; None if there is no time left."""
        parts: list[State] = []
        while len(parts) < len(self.servers) and not self.stopping.is_set():
            try:
                part = self.servers[len(parts)].join()
            except ConnectionError:
                part = None
            if part is None:
                self.stopping.wait(LOOK_SECONDS)
            else:
                parts.append(part)
        return parts if len(parts) == len(self.servers) else None

    def _train(self, parts: list[State]) -> None:
        start = joined(parts)
        config = node_config(unpack(self.settings.config), start)
        first = Checkpoint(config, self.settings.shapes, start.theta, start.statistics, start.target, start.global_step,
                           streams=self.settings.streams)
        trainer = Trainer(first, None, self.reporter, self._goes_on, self.settings.limits)
        cut = slices(len(start.theta), len(parts))
        exchangers = [Exchanger(SharedSlice(trainer.shared, part), server, state, config.algorithm)
                      for part, server, state in zip(cut, self.servers, parts)]
        self.exchange = ExchangeThread(exchangers, lambda: int(trainer.status.updates.sum()), self.settings.every)
        self.read, self.joined, self.trainer = np.zeros(config.workers, np.int64), start.joined, trainer
        self.exchange.start()
        try:
            trainer.run()
        finally:
            self.exchange.stop()

    def _goes_on(self, row: Progress) -> bool:
        """The trainer's callback; read the episodes before their rings are full, however rarely the driver asks."""
        self._read_episodes()
        return not (self.stopping.is_set() or self.exchange and self.exchange.failure)

    def _read_episodes(self) -> None:
        assert self.trainer
        with self.reading:
            self.episodes += self.trainer.status.new_episodes(self.read)

    def _taken_episodes(self) -> tuple[tuple[EpisodeRow, ...], np.ndarray]:
        """Return the episodes since the last report, and how many each worker has finished (workers,)."""
        self._read_episodes()
        with self.reading:
            taken = tuple(self.episodes)
            self.episodes.clear()
            return taken, self.read.copy()

    def report(self) -> Report:
        """Return what has happened since the last report."""
        finished, trainer = self.finished, self.trainer                  # first: what follows is then the last
        warnings = self.reporter.taken()
        if trainer is None or self.exchange is None:
            return Report(warnings=warnings, finished=finished, failure=self.failure)
        status = trainer.status
        episodes, read = self._taken_episodes()
        counts = np.stack([status.steps, status.updates, status.skipped, read], axis=1)
        return Report(self.joined, status.seconds(), status.shared.global_step(), counts, status.gauges(),
                      status.moments(), episodes, warnings,
                      trainer.supervisor.alive, trainer.supervisor.restarts,
                      trainer.supervisor.streams if self.joined == 0 else 0, finished, self.failure,
                      self.exchange.unreached())
