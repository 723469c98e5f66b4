"""Starts the workers, watches them, and stops them; takes no part in the learning itself."""

import multiprocessing
import time
from collections import deque
from multiprocessing import connection
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import checkpoint as checkpoints
from . import worker
from .checkpoint import Checkpoint
from .config import Config
from .display import Display
from .networks import initial_parameters
from .run_folder import Progress, RunFolder
from .schedules import linear_to_zero
from .shared import ENTROPY, EPISODES, NORM, REQUEST, RING, SKIPPED, STEPS, UPDATES, VALUE, Shared

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0
CHECKPOINT_SECONDS = 60.0
STOP_SECONDS = 2.0
WINDOW = 100                   # episodes in the running mean


class WorkerDied(RuntimeError):
    """A worker ended before the run did; the message is its number and its traceback."""


def start_of(config: Config) -> Checkpoint:
    """Step 0 of a run: theta drawn from the seed, statistics 0."""
    env = config.make_env()
    network = config.build_network(env)
    env.close()
    seed = np.random.SeedSequence(config.seed, spawn_key=(0,))
    theta = initial_parameters(network, seed)
    return Checkpoint(config, theta, np.zeros_like(theta))


class Trainer:
    """One run, from a checkpoint (perhaps of step 0) to ``config.total_steps``."""

    def __init__(self, start: Checkpoint, out: Path | None = None, display: Display | None = None,
                 callback: Callable[[Progress], bool | None] | None = None) -> None:
        self.config, self.display, self.callback = start.config, display, callback
        self.folder = RunFolder(out) if out else None
        env = self.config.make_env()
        self.shapes = self.config.build_network(env).shapes
        env.close()
        context = multiprocessing.get_context("spawn")
        self.shared = Shared(context, len(start.theta), self.config.workers, start.global_step, start.seconds)
        self.shared.theta[:] = start.theta
        self.shared.statistics[:] = 0 if start.statistics is None else start.statistics
        self.crew = Crew(context, self.config, self.shared, start)
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.episodes, self.read = 0, np.zeros(self.config.workers, np.int64)
        self.best = start.mean_score if start.mean_score is not None else -np.inf
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.latest: Progress | None = None                              # row of progress.csv
        self.last: Checkpoint | None = None                              # where the run ended

    def continue_scores(self, scores: list[float]) -> None:
        """Go on counting from the scores of a run's earlier episodes."""
        self.scores.extend(scores)
        self.episodes = len(scores)

    def run(self) -> Checkpoint:
        """Train to the end; returns the last checkpoint, which is also on disk if there is a folder.

        Raises WorkerDied, or whatever interrupts the main process; a checkpoint is written before.
        """
        try:
            self.crew.start()
            self._watch()
        finally:
            self.crew.stop()
            self.last = self._close()
        return self.last

    def _watch(self) -> None:
        reported = saved = time.monotonic()
        while self.crew.poll(POLL_SECONDS):
            now = time.monotonic()
            self._read_episodes()
            if now - reported >= self.report_seconds:
                reported = now
                if self._report() is False:
                    return
            if self.folder and now - saved >= CHECKPOINT_SECONDS:
                saved = now
                self.crew.request_states()
            if self.folder and self.crew.states_are_in():
                self._save(self._checkpoint(*self.shared.snapshot), "latest.npz")

    def _close(self) -> Checkpoint:
        self._read_episodes()
        self._report()
        last = self._checkpoint(self.shared.theta.copy(), self.shared.statistics.copy())
        if self.folder:
            self._save(last, "latest.npz")
            if last.global_step >= self.config.total_steps:
                self._save(last, "final.npz")
            self.folder.draw_curve()
        if self.display:
            self.display.close(self.latest)
        return last

    def _checkpoint(self, theta: np.ndarray, statistics: np.ndarray) -> Checkpoint:
        states = self.crew.take_states()
        steps = self.shared.first_step + sum(self.crew.steps_of(states))
        mean = float(np.mean(self.scores)) if self.scores else None
        return Checkpoint(self.config, theta, statistics, steps, self.shared.seconds(), states, self.crew.streams, mean)

    def _save(self, checkpoint: Checkpoint, name: str) -> None:
        assert self.folder
        checkpoints.save(self.folder.path / name, checkpoint, self.shapes)
        if checkpoint.mean_score is not None and self.episodes >= WINDOW and checkpoint.mean_score > self.best:
            self.best = checkpoint.mean_score
            checkpoints.save(self.folder.path / "best.npz", checkpoint, self.shapes)

    def _read_episodes(self) -> None:
        """Empty the workers' rings into episodes.csv."""
        rows = []
        for number, written in enumerate(self.shared.counters[:, EPISODES]):
            for k in range(max(self.read[number], written - RING), written):
                seconds, step, score, length = self.shared.episodes[number, k % RING]
                rows.append((float(seconds), int(step), number, float(score), int(length)))
            self.episodes += int(written - self.read[number])
            self.read[number] = written
        rows.sort()
        self.scores.extend(row[3] for row in rows)
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self) -> bool | None:
        row = self._progress()
        self.latest = row
        if self.folder:
            self.folder.append_progress(row)
        if self.display:
            self.display.show(row)
        return self.callback(row) if self.callback else None

    def _progress(self) -> Progress:
        shared, before = self.shared, self.latest
        seconds, step = shared.seconds(), shared.global_step()
        elapsed = seconds - before.seconds if before else seconds
        gained = step - (before.global_step if before else shared.first_step)
        mean = float(np.mean(self.scores)) if self.scores else float("nan")
        gauges = shared.gauges[shared.counters[:, UPDATES] > 0]
        entropy, value, norm = (float(gauges[:, k].mean()) if len(gauges) else 0.0 for k in (ENTROPY, VALUE, NORM))
        eta = linear_to_zero(self.config.optimizer.learning_rate, step, self.config.total_steps)
        updates, skipped = (int(shared.counters[:, k].sum()) for k in (UPDATES, SKIPPED))
        return Progress(seconds, step, gained / max(elapsed, 1e-9), self.episodes, mean, entropy, value, norm, eta,
                        updates, skipped)


class Crew:
    """The worker processes of a run and the pipes on which they report."""

    def __init__(self, context: Any, config: Config, shared: Shared, start: Checkpoint) -> None:
        self.context, self.config, self.shared, self.start_point = context, config, shared, start
        self.streams = start.streams
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        self.states: dict[int, dict[str, Any]] = {}
        self.requested = False
        self.failure: str | None = None

    def start(self) -> None:
        """Start worker 0, and once it has made an update (its kernels are compiled and cached), the others."""
        self._start_worker(0)

    def _start_worker(self, number: int) -> None:
        states = self.start_point.workers
        state = states[number] if number < len(states) else None
        if state is None:
            self.streams += 1                                            # a stream never used before; 0 drew theta
        seed = np.random.SeedSequence(self.config.seed, spawn_key=(self.streams,))
        ours, theirs = self.context.Pipe(duplex=False)
        arguments = (number, self.config, self.shared, seed, state, theirs)
        process = self.context.Process(target=worker.main, args=arguments, name=f"worker {number}", daemon=True)
        process.start()
        theirs.close()
        self.processes.append(process)
        self.pipes.append(ours)

    def poll(self, seconds: float) -> bool:
        """Wait that long for news; False once every worker has ended.  Raises WorkerDied."""
        if len(self.processes) < self.config.workers and self.shared.counters[0, UPDATES]:
            for number in range(len(self.processes), self.config.workers):
                self._start_worker(number)
        sentinels = [process.sentinel for process in self.processes if process.exitcode is None]
        connection.wait(self._open_pipes() + sentinels, seconds)
        self._receive()
        for number, process in enumerate(self.processes):
            if process.exitcode:
                raise WorkerDied(f"worker {number} died with exit code {process.exitcode}\n{self.failure or ''}")
        return any(process.exitcode is None for process in self.processes)

    def _open_pipes(self) -> list[Any]:
        return [pipe for pipe in self.pipes if not pipe.closed]

    def _receive(self) -> None:
        for number, pipe in enumerate(self.pipes):
            try:
                while not pipe.closed and pipe.poll():
                    kind, content = pipe.recv()
                    if kind == "state":
                        self.states[number] = content
                    elif kind == "error":
                        self.failure = content
            except (EOFError, OSError):
                pipe.close()

    def request_states(self) -> None:
        """Ask every worker for its state at the end of the rollout it is in."""
        self.states.clear()
        self.requested = True
        self.shared.commands[REQUEST] += 1

    def states_are_in(self) -> bool:
        """Whether all workers have answered the last request."""
        return self.requested and len(self.states) == self.config.workers

    def take_states(self) -> list[dict[str, Any]]:
        """The workers' latest states, in order; None-like {} is never part of it: a silent worker starts anew."""
        self.requested = False
        return [self.states[number] for number in sorted(self.states)]

    def steps_of(self, states: list[dict[str, Any]]) -> list[int]:
        """Agent steps each worker had made when it gave its state."""
        return [state["steps"] for state in states] or [int(self.shared.counters[:, STEPS].sum())]

    def stop(self) -> None:
        """Have all workers end, by word and then by force, within STOP_SECONDS; their last states are received."""
        self.shared.stop()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(process.exitcode is None for process in self.processes):
            connection.wait(self._open_pipes() or [p.sentinel for p in self.processes], 0.05)
            self._receive()
        self._receive()
        for process in self.processes:
            if process.exitcode is None:
                process.kill()
            process.join()
