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
from ..runs.checkpointer import Saver
from ..runs.run_folder import Progress, RunFolder
from ..system.signals import Interrupts
from ..system.terminal import log
from .limits import Watch
from .progress_bar import Display
from .progress_tracker import Standing
from .supervisor import Crew
from .worker_status import WorkerStatus

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0


class UpdatesSkipped(RuntimeError):
    """More updates than ``watch.max_skipped`` were left out, since their gradients were not finite; one line."""


def start_of(config: Config) -> Checkpoint:
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
        watch: what may go wrong before the run is given up.
    """

    def __init__(self, start: Checkpoint, out: Path | None = None, display: Display | None = None,
                 callback: Callable[[Progress], bool | None] | None = None, watch: Watch = Watch()) -> None:
        self.start, self.config, self.display, self.callback = start, start.config, display, callback
        self.watch = watch
        self.folder = RunFolder(out) if out else None
        self.shared = Shared(len(start.theta), self.config.workers, self.config.optimizer.own_statistics,
                             self.config.algorithm.uses_target)
        self.shared.go_on_from(start.global_step)
        self.shared.take_up(start.theta, start.statistics, start.target)
        self.status = WorkerStatus(self.shared, self.config.workers, start.seconds)
        self.crew = Crew(self.status, start, watch)
        self.saver = Saver(self.folder, start, watch.keep, self.crew.news) if self.folder else None
        self.interrupts = Interrupts()
        self.standing = Standing(self.status, self.config, start.seconds, start.global_step)
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.last: Checkpoint | None = None                              # where the run ended

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
                self.crew.stop()
                unwritten = self._close()
        self._check_skipped()
        if unwritten:
            raise unwritten
        assert self.last
        return self.last

    def _tell_news(self) -> None:
        """What has happened, to the run's folder and to a person, who may be slow: at once, not line by line."""
        news = self.crew.news.copy()
        self.crew.news.clear()
        if self.folder:
            for line in news:
                self.folder.append_event(self.status.seconds(), self.shared.global_step(), line)
            news += self.folder.warnings
            self.folder.warnings.clear()
        if self.display:
            self.display.say(news)
        else:
            log(news)

    def _watch(self) -> None:
        reported = asked = time.monotonic()
        while self.crew.poll(POLL_SECONDS) and not self.interrupts.noted:
            now = time.monotonic()
            self._tell_news()
            self._read_episodes()
            if now - reported >= self.report_seconds:
                reported = now
                row = self._progress()
                self._report(row)
                if self.callback and self.callback(row) is False:
                    return
                self._check_skipped()
            if self.saver and now - asked >= self.watch.checkpoint_seconds and not self.crew.requested:
                asked = now
                self.crew.request_states()
            if self.saver and self.crew.states_are_in():
                whole = self.crew.all_answered                           # then what is kept is of one moment
                checkpoint = self._checkpoint(self.status.kept if whole else self.shared.vectors)
                self._save(checkpoint)

    def _check_skipped(self) -> None:
        skipped = self.standing.skipped
        if skipped > self.watch.max_skipped:
            raise UpdatesSkipped(f"{skipped:,} updates were left out because their gradients were not finite, at most "
                                 f"{self.watch.max_skipped:,} may be (--max-skipped): look at the environment's "
                                 "observations and rewards for NaN and infinity")

    def _close(self) -> OSError | None:
        """Checkpoints first: whatever fails after them, or waits, loses nothing.  Returns what one was refused for."""
        self._read_episodes()
        row = self._progress()
        self.last = self._checkpoint(self.shared.vectors, self.shared.global_step())
        unwritten = self._save(self.last)
        self._tell_news()
        self._report(row)
        if self.folder:
            self.folder.draw_curve()
        self._tell_news()
        if self.display:
            self.display.close(row)
        return unwritten

    def _save(self, checkpoint: Checkpoint) -> OSError | None:
        valid = self.standing.skipped <= self.watch.max_skipped
        return self.saver.save(checkpoint, self.standing.episodes, valid) if self.saver else None

    def _checkpoint(self, vectors: Vectors, reached: int = 0) -> Checkpoint:
        """Of the workers' states; at the end T, too, is known: who was killed may not have noted its last steps."""
        states, step = self.crew.take_states()
        target = vectors.target.copy() if vectors.target.size else None
        return Checkpoint(self.config, self.start.shapes, vectors.theta.copy(), vectors.statistics.copy(), target,
                          global_step=max(step, reached), seconds=self.status.seconds(), workers=states,
                          streams=self.crew.streams, mean_score=self.standing.mean_score)

    def _read_episodes(self) -> None:
        rows = self.standing.new_episodes()
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        if self.folder:
            self.folder.append_progress(row)
        if self.display:
            self.display.show(row)

    def _progress(self) -> Progress:
        return self.standing.progress(self.crew.alive, self.crew.restarts)
