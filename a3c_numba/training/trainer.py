"""Watches a run from its first step to its last: reports, checkpoints, an orderly end; it computes no gradient."""

import time
from pathlib import Path
from typing import Callable

import numpy as np

from ..config import Config
from ..core.networks import initial_parameters
from ..core.parameters import leaves
from ..core.shared import Shared, Vectors
from ..runs.checkpoint import Checkpoint
from ..runs.checkpointer import Checkpointer
from ..runs.event_log import EventLog
from ..runs.run_folder import Progress, RunFolder
from ..system.signals import DeferredSignals
from ..system.terminal import log
from .limits import Limits
from .progress_bar import ProgressBar
from .progress_tracker import ProgressTracker
from .supervisor import Supervisor
from .worker_status import WorkerStatus

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0


class UpdatesSkipped(RuntimeError):
    """More updates than ``limits.max_skipped`` were left out, since their gradients were not finite; one line."""


def initial_checkpoint(config: Config) -> Checkpoint:
    """Step 0 of a run: theta drawn from the seed's stream 0, statistics 0."""
    env = config.make_episode_env()
    network = config.build_network(env)
    env.close()
    theta = initial_parameters(network, np.random.SeedSequence(config.seed, spawn_key=(0,)))
    return Checkpoint(config, dict(leaves(network.shapes)), theta)


class Trainer:
    """One run, from a checkpoint (perhaps of step 0) to ``config.total_steps``.

    Args:
        start: where to start from.
        out: the run's folder, already created; None keeps nothing on disk.
        display: where a person sees the progress.
        callback: called at every report; ends the run by returning False.
        limits: what may go wrong before the run is given up.
    """

    def __init__(self, start: Checkpoint, out: Path | None = None, display: ProgressBar | None = None,
                 callback: Callable[[Progress], bool | None] | None = None, limits: Limits = Limits()) -> None:
        self.start, self.config, self.display, self.callback = start, start.config, display, callback
        self.limits = limits
        self.events = EventLog()
        self.folder = RunFolder(out, self.events) if out else None
        self.shared = Shared(len(start.theta), self.config.workers, self.config.optimizer.own_statistics,
                             self.config.algorithm.uses_target_network)
        self.shared.resume_at(start.global_step)
        self.shared.load(start.theta, start.statistics, start.target)
        self.status = WorkerStatus(self.shared, self.config.workers, start.seconds)
        self.supervisor = Supervisor(self.status, start, limits, self.events)
        self.checkpointer = Checkpointer(self.folder, start, limits.keep) if self.folder else None
        self.interrupts = DeferredSignals()
        self.progress_tracker = ProgressTracker(self.status, self.config, start.seconds, start.global_step)
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.final_checkpoint: Checkpoint | None = None                  # where the run ended

    def run(self) -> Checkpoint:
        """Train to the end; returns where it ended, which is also on disk if there is a folder.

        Raises WorkerDied, UpdatesSkipped, or what Ctrl-C and SIGTERM raise; a checkpoint is written before, or a line
        has said that it cannot be, but not when a second Ctrl-C comes meanwhile.  Raises OSError where nothing else
        went wrong and one of its files could not be written.
        """
        with self.interrupts:
            try:
                self._watch()
            finally:
                self.supervisor.stop()
                unwritten = self._close()
        self._check_skipped()
        if unwritten:
            raise unwritten
        assert self.final_checkpoint
        return self.final_checkpoint

    def _report_events(self) -> None:
        """What has happened, to the run's folder and to a person, who may be slow: at once, not line by line."""
        sentences = []
        while events := self.events.drain():                             # writing them may fail, which is one more
            for event in events:
                sentences.append(event.sentence)
                if self.folder:
                    self.folder.append_event(self.status.seconds(), self.shared.global_step(), event.sentence,
                                             event.worker, event.kind)
        if self.display:
            self.display.warn(sentences)
        else:
            log(sentences)

    def _watch(self) -> None:
        reported = asked = time.monotonic()
        while self.supervisor.poll(POLL_SECONDS) and not self.interrupts.received:
            now = time.monotonic()
            self._report_events()
            self._read_episodes()
            if now - reported >= self.report_seconds:
                reported = now
                row = self._progress()
                self._report(row)
                if self.callback and self.callback(row) is False:
                    return
                self._check_skipped()
            if self.checkpointer and now - asked >= self.limits.checkpoint_seconds and not self.supervisor.requested:
                asked = now
                self.supervisor.request_states()
            if self.checkpointer and self.supervisor.states_are_in():
                whole = self.supervisor.all_answered                     # then what is kept is of one moment
                checkpoint = self._checkpoint(self.status.snapshot_vectors if whole else self.shared.vectors)
                self._save(checkpoint)

    def _check_skipped(self) -> None:
        skipped = self.progress_tracker.skipped
        if skipped > self.limits.max_skipped:
            raise UpdatesSkipped(f"{skipped:,} updates were left out because their gradients were not finite, at most "
                                 f"{self.limits.max_skipped:,} may be (--max-skipped): look at the environment's "
                                 "observations and rewards for NaN and infinity")

    def _close(self) -> OSError | None:
        """Checkpoints first: whatever fails after them, or waits, loses nothing.  Returns what one was refused for."""
        self._read_episodes()
        row = self._progress()
        self.final_checkpoint = self._checkpoint(self.shared.vectors, self.shared.global_step())
        unwritten = self._save(self.final_checkpoint)
        self._report_events()
        self._report(row)
        if self.folder:
            self.folder.draw_curve()
        self._report_events()
        if self.display:
            self.display.close(row)
        return unwritten

    def _save(self, checkpoint: Checkpoint) -> OSError | None:
        valid = self.progress_tracker.skipped <= self.limits.max_skipped
        return self.checkpointer.save(checkpoint, self.progress_tracker.episodes, valid) if self.checkpointer else None

    def _checkpoint(self, vectors: Vectors, reached: int = 0) -> Checkpoint:
        """Of the workers' states; at the end T, too, is known: who was killed may not have noted its last steps."""
        states, step = self.supervisor.collect_states()
        target = vectors.target.copy() if vectors.target.size else None
        return Checkpoint(self.config, self.start.shapes, vectors.theta.copy(), vectors.statistics.copy(), target,
                          global_step=max(step, reached), seconds=self.status.seconds(), workers=states,
                          streams=self.supervisor.streams, mean_score=self.progress_tracker.mean_score)

    def _read_episodes(self) -> None:
        rows = self.progress_tracker.new_episodes()
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        if self.folder:
            self.folder.append_progress(row)
        if self.display:
            self.display.update(row)

    def _progress(self) -> Progress:
        return self.progress_tracker.progress(self.supervisor.alive, self.supervisor.restarts)
