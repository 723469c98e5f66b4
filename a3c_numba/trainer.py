"""Watches a run from its first step to its last: reports, checkpoints, an orderly end; it computes no gradient."""

import logging
import math
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import checkpoint as checkpoints
from . import processes
from .checkpoint import Checkpoint, CheckpointError
from .config import Config
from .crew import Crew
from .display import Display
from .interrupts import Interrupts
from .networks import initial_parameters
from .parameters import leaves
from .run_folder import Progress, RunFolder
from .schedules import linear
from .shared import ENTROPY, EPISODES, NORM, RING, SKIPPED, UPDATES, VALUE, Shared, Vectors
from .watch import Watch

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0
WINDOW = 100                   # episodes in the running mean
LOG = logging.getLogger("a3c_numba")


class UpdatesSkipped(RuntimeError):
    """More updates than ``watch.max_skipped`` were left out, since their gradients were not finite; one line."""


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
        watch: what may go wrong before the run is given up.
    """

    def __init__(self, start: Checkpoint, out: Path | None = None, display: Display | None = None,
                 callback: Callable[[Progress], bool | None] | None = None, watch: Watch = Watch()) -> None:
        self.start, self.config, self.display, self.callback = start, start.config, display, callback
        self.watch = watch
        self.folder = RunFolder(out) if out else None
        context = processes.context()
        self.shared = Shared(context, len(start.theta), self.config.workers,
                             self.config.optimizer.own_statistics, self.config.algorithm.uses_target)
        self.shared.go_on_from(start.global_step, start.seconds)
        self.shared.theta[:] = start.theta
        self.shared.statistics[:] = 0 if start.statistics is None else start.statistics
        self.shared.target[:] = start.theta[:self.shared.target.size] if start.target is None else start.target
        self.crew = Crew(context, self.shared, start, watch)
        self.interrupts = Interrupts()
        self.scores: deque[float] = deque(maxlen=WINDOW)
        self.episodes, self.read = 0, np.zeros(self.config.workers, np.int64)
        self.best = best_of(self.folder.path) if self.folder else -np.inf
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.latest: Progress | None = None                              # report
        self.last: Checkpoint | None = None                              # where the run ended

    def continue_scores(self, scores: list[float]) -> None:
        """Go on counting from the scores of a run's earlier episodes."""
        self.scores.extend(filter(math.isfinite, scores))
        self.episodes = len(scores)

    def run(self) -> Checkpoint:
        """Train to the end; returns where it ended, which is also on disk if there is a folder.

        Raises WorkerDied, UpdatesSkipped, or what Ctrl-C and SIGTERM raise; a checkpoint is written before, but not
        when a second Ctrl-C comes meanwhile.  Raises OSError where that checkpoint could not be written.
        """
        with self.interrupts:
            try:
                self._watch()
            finally:
                self.crew.stop()
                unwritten = self._close()
        if unwritten:
            raise unwritten
        assert self.last
        return self.last

    def _tell_news(self) -> None:
        while self.crew.news:
            self._say(self.crew.news.pop(0))

    def _say(self, line: str) -> None:
        """Tell a person, and the run's folder, what happened."""
        if self.folder:
            self.folder.append_event(self.shared.seconds(), self.shared.global_step(), line)
        self._show(line)

    def _show(self, line: str) -> None:
        if self.display:
            self.display.say(line)
        else:
            LOG.warning(line)

    def _watch(self) -> None:
        reported = saved = time.monotonic()
        while self.crew.poll(POLL_SECONDS) and not self.interrupts.noted:
            now = time.monotonic()
            self._tell_news()
            self._read_episodes()
            if now - reported >= self.report_seconds:
                reported = now
                self._report(self._progress())
                if self.callback and self.latest and self.callback(self.latest) is False:
                    return
                self._check_skipped()
            if self.folder and now - saved >= self.watch.checkpoint_seconds and not self.crew.requested:
                saved = now
                self.crew.request_states()
            if self.folder and self.crew.states_are_in():
                self._save_on_the_way(self.folder)

    def _check_skipped(self) -> None:
        skipped = int(self.shared.counters[:, SKIPPED].sum())
        if skipped > self.watch.max_skipped:
            raise UpdatesSkipped(f"{skipped:,} updates were left out because their gradients were not finite, at most "
                                 f"{self.watch.max_skipped:,} may be (--max-skipped): look at the environment's "
                                 "observations and rewards for NaN and infinity")

    def _save_on_the_way(self, folder: RunFolder) -> None:
        """A checkpoint; where it cannot be written the one before it stays, and training goes on."""
        whole = self.crew.all_answered                                   # then what is kept is of one moment
        try:
            self._save(folder, self._checkpoint(self.shared.kept if whole else self.shared.vectors))
        except OSError as error:
            self._say(f"no checkpoint could be written, the one before it stays: {error}")

    def _close(self) -> OSError | None:
        """Checkpoints first: whatever fails after them loses nothing.  Returns what kept them from being written."""
        self._tell_news()
        self._read_episodes()
        row = self._progress()
        self.last = last = self._checkpoint(self.shared.vectors)
        unwritten = self._save_at_the_end(self.folder, last) if self.folder else None
        self._report(row)
        if self.folder:
            self.folder.draw_curve()
        if self.display:
            self.display.close(self.latest)
        return unwritten

    def _save_at_the_end(self, folder: RunFolder, last: Checkpoint) -> OSError | None:
        try:
            self._save(folder, last)
            if last.global_step >= self.config.total_steps:
                checkpoints.save(folder.path / "final.npz", last)
        except OSError as error:
            self._say(f"the last checkpoint could not be written, the one before it stays: {error}")
            return error
        return None

    def _checkpoint(self, vectors: Vectors) -> Checkpoint:
        states, step = self.crew.take_states()
        mean = float(np.mean(self.scores)) if self.scores else None
        target = vectors.target.copy() if vectors.target.size else None
        return Checkpoint(self.config, self.start.shapes, vectors.theta.copy(), vectors.statistics.copy(), target, step,
                          self.shared.seconds(), states, self.crew.streams, mean)

    def _save(self, folder: RunFolder, checkpoint: Checkpoint) -> None:
        folder.save(checkpoint, self.watch.keep)
        if checkpoint.mean_score is not None and self.episodes >= WINDOW and checkpoint.mean_score > self.best:
            checkpoints.save(folder.path / "best.npz", checkpoint)
            self.best = checkpoint.mean_score

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
        self.scores.extend(row[3] for row in rows if math.isfinite(row[3]))
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        self.latest = row
        if self.folder:
            self.folder.append_progress(row)
            while self.folder.warnings:
                self._show(self.folder.warnings.pop(0))
        if self.display:
            self.display.show(row)

    def _progress(self) -> Progress:
        shared, seconds, step = self.shared, self.shared.seconds(), self.shared.global_step()
        mean = float(np.mean(self.scores)) if self.scores else float("nan")
        gauges = shared.gauges[shared.counters[:, UPDATES] > 0]
        gauges = gauges[np.isfinite(gauges).all(axis=1)]                 # but for an update that was skipped
        entropy, value, norm = (float(gauges[:, k].mean()) if len(gauges) else 0.0 for k in (ENTROPY, VALUE, NORM))
        eta = linear(self.config.optimizer.learning_rate, 0, step / self.config.total_steps)
        updates, skipped = (int(shared.counters[:, k].sum()) for k in (UPDATES, SKIPPED))
        return Progress(seconds, step, self._speed(seconds, step), self.episodes, mean, entropy, value, norm, eta,
                        updates, skipped, self.crew.alive, self.crew.restarts)

    def _speed(self, seconds: float, step: int) -> float:
        """Agent steps per second since the last report; a report that follows at once repeats what that one said."""
        if self.latest and seconds - self.latest.seconds < 0.5:
            return self.latest.steps_per_second
        since, before = (self.latest.seconds, self.latest.global_step) if self.latest else \
                        (self.start.seconds, self.start.global_step)
        return (step - before) / max(seconds - since, 1e-9)
