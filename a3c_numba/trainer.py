"""Watches a run from its first step to its last: reports, checkpoints, an orderly end; it computes no gradient."""

import multiprocessing
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .config import Config
from .crew import Crew, signals_held
from .display import Display
from .networks import initial_parameters
from .parameters import leaves
from .run_folder import Progress, RunFolder
from .schedules import linear
from .shared import ENTROPY, EPISODES, NORM, RING, SKIPPED, UPDATES, VALUE, Shared, Vectors

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0
CHECKPOINT_SECONDS = 60.0
WINDOW = 100                   # episodes in the running mean


def start_of(config: Config) -> Checkpoint:
    """Step 0 of a run: theta drawn from the seed's stream 0, statistics 0."""
    env = config.make_env()
    network = config.build_network(env)
    env.close()
    theta = initial_parameters(network, np.random.SeedSequence(config.seed, spawn_key=(0,)))
    return Checkpoint(config, dict(leaves(network.shapes)), theta)


def best_of(folder: Path) -> float:
    """The mean score that ``best.npz`` of a run's folder was saved with; -inf where there is none."""
    try:
        score = checkpoints.load(folder / "best.npz").mean_score
    except CheckpointError:
        return -np.inf
    return -np.inf if score is None else score


class Trainer:
    """One run, from a checkpoint (perhaps of step 0) to ``config.total_steps``.

    Args:
        start: where to start from.
        out: the run's folder, already created; None keeps nothing on disk.
        display: where a person sees the progress.
        callback: called at every report; ends the run by returning False.
    """

    def __init__(self, start: Checkpoint, out: Path | None = None, display: Display | None = None,
                 callback: Callable[[Progress], bool | None] | None = None) -> None:
        self.start, self.config, self.display, self.callback = start, start.config, display, callback
        self.folder = RunFolder(out) if out else None
        context = multiprocessing.get_context("spawn")
        self.shared = Shared(context, len(start.theta), self.config.workers,
                             self.config.optimizer.own_statistics, self.config.algorithm.uses_target)
        self.shared.go_on_from(start.global_step, start.seconds)
        self.shared.theta[:] = start.theta
        self.shared.statistics[:] = 0 if start.statistics is None else start.statistics
        self.shared.target[:] = start.theta[:self.shared.target.size] if start.target is None else start.target
        self.crew = Crew(context, self.shared, start)
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.episodes, self.read = 0, np.zeros(self.config.workers, np.int64)
        self.best = best_of(self.folder.path) if self.folder else -np.inf
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.latest: Progress | None = None                              # report
        self.last: Checkpoint | None = None                              # where the run ended

    def continue_scores(self, scores: list[float]) -> None:
        """Go on counting from the scores of a run's earlier episodes."""
        self.scores.extend(scores)
        self.episodes = len(scores)

    def run(self) -> Checkpoint:
        """Train to the end; returns where it ended, which is also on disk if there is a folder.

        Raises WorkerDied, or whatever interrupts the main process; a checkpoint is written before.
        """
        try:
            self.crew.start()
            self._watch()
        finally:
            with signals_held():                                         # a second Ctrl-C waits for the checkpoint
                self.crew.stop()
                self._close()
        assert self.last
        return self.last

    def _watch(self) -> None:
        reported = saved = time.monotonic()
        while self.crew.poll(POLL_SECONDS):
            now = time.monotonic()
            self._read_episodes()
            if now - reported >= self.report_seconds:
                reported = now
                self._report(self._progress())
                if self.callback and self.latest and self.callback(self.latest) is False:
                    return
            if self.folder and now - saved >= CHECKPOINT_SECONDS and not self.crew.requested:
                saved = now
                self.crew.request_states()
            if self.folder and self.crew.states_are_in():
                self._save(self._checkpoint(self.shared.kept), "latest.npz")

    def _close(self) -> None:
        """Checkpoints first: whatever fails after them loses nothing."""
        self._read_episodes()
        row = self._progress()
        self.last = last = self._checkpoint(self.shared.vectors)
        if self.folder:
            self._save(last, "latest.npz")
            if last.global_step >= self.config.total_steps:
                self._save(last, "final.npz")
        self._report(row)
        if self.folder:
            self.folder.draw_curve()
        if self.display:
            self.display.close(self.latest)

    def _checkpoint(self, vectors: Vectors) -> Checkpoint:
        states, step = self.crew.take_states()
        mean = float(np.mean(self.scores)) if self.scores else None
        target = vectors.target.copy() if vectors.target.size else None
        return Checkpoint(self.config, self.start.shapes, vectors.theta.copy(), vectors.statistics.copy(), target, step,
                          self.shared.seconds(), states, self.crew.streams, mean)

    def _save(self, checkpoint: Checkpoint, name: str) -> None:
        assert self.folder
        checkpoints.save(self.folder.path / name, checkpoint)
        if checkpoint.mean_score is not None and self.episodes >= WINDOW and checkpoint.mean_score > self.best:
            self.best = checkpoint.mean_score
            checkpoints.save(self.folder.path / "best.npz", checkpoint)

    def _read_episodes(self) -> None:
        """Empty the workers' rings into episodes.csv."""
        rows: list[tuple[Any, ...]] = []
        for number, written in enumerate(self.shared.counters[:, EPISODES].copy()):
            for k in range(max(self.read[number], written - RING), written):
                seconds, step, score, length = self.shared.episodes[number, k % RING]
                rows.append((float(seconds), int(step), number, float(score), int(length)))
            self.episodes += int(written - self.read[number])
            self.read[number] = written
        rows.sort()
        self.scores.extend(row[3] for row in rows)
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        self.latest = row
        if self.folder:
            self.folder.append_progress(row)
        if self.display:
            self.display.show(row)

    def _progress(self) -> Progress:
        shared, seconds, step = self.shared, self.shared.seconds(), self.shared.global_step()
        mean = float(np.mean(self.scores)) if self.scores else float("nan")
        gauges = shared.gauges[shared.counters[:, UPDATES] > 0]
        entropy, value, norm = (float(gauges[:, k].mean()) if len(gauges) else 0.0 for k in (ENTROPY, VALUE, NORM))
        eta = linear(self.config.optimizer.learning_rate, 0, step / self.config.total_steps)
        updates, skipped = (int(shared.counters[:, k].sum()) for k in (UPDATES, SKIPPED))
        return Progress(seconds, step, self._speed(seconds, step), self.episodes, mean, entropy, value, norm, eta,
                        updates, skipped)

    def _speed(self, seconds: float, step: int) -> float:
        """Agent steps per second since the last report; a report that follows at once repeats what that one said."""
        if self.latest and seconds - self.latest.seconds < 0.5:
            return self.latest.steps_per_second
        since, before = (self.latest.seconds, self.latest.global_step) if self.latest else \
                        (self.start.seconds, self.start.global_step)
        return (step - before) / max(seconds - since, 1e-9)
