"""Watches a run from its first step to its last: reports, checkpoints, an orderly end; it computes no gradient."""

import logging
import time
from pathlib import Path
from typing import Callable

import numpy as np

from . import checkpoint as checkpoints
from .checkpoint import Checkpoint, CheckpointError
from .config import Config
from .crew import Crew
from .display import Display
from .interrupts import Interrupts
from .networks import initial_parameters
from .parameters import leaves
from .run_folder import Progress, RunFolder
from .shared import Shared, Vectors
from .standing import WINDOW, Standing
from .watch import Watch

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0
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
        self.shared = Shared(len(start.theta), self.config.workers, self.config.optimizer.own_statistics,
                             self.config.algorithm.uses_target)
        self.shared.go_on_from(start.global_step, start.seconds)
        self.shared.take_up(start.theta, start.statistics, start.target)
        self.crew = Crew(self.shared, start, watch)
        self.interrupts = Interrupts()
        self.standing = Standing(self.shared, self.config, start.seconds, start.global_step)
        self.best = best_of(self.folder.path) if self.folder else -np.inf
        self.report_seconds = 1.0 if display and display.is_terminal else REPORT_SECONDS
        self.last: Checkpoint | None = None                              # where the run ended
        self.saved = start.global_step or None                           # the step of the newest checkpoint on disk

    def run(self) -> Checkpoint:
        """Train to the end; returns where it ended, which is also on disk if there is a folder.

        Raises WorkerDied, UpdatesSkipped, or what Ctrl-C and SIGTERM raise; a checkpoint is written before, but not
        when a second Ctrl-C comes meanwhile.  Raises OSError where one of its files could not be written.
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
                row = self._progress()
                self._report(row)
                if self.callback and self.callback(row) is False:
                    return
                self._check_skipped()
            if self.folder and now - saved >= self.watch.checkpoint_seconds and not self.crew.requested:
                saved = now
                self.crew.request_states()
            if self.folder and self.crew.states_are_in():
                self._save_on_the_way(self.folder)

    def _check_skipped(self) -> None:
        skipped = self.standing.skipped
        if skipped > self.watch.max_skipped:
            raise UpdatesSkipped(f"{skipped:,} updates were left out because their gradients were not finite, at most "
                                 f"{self.watch.max_skipped:,} may be (--max-skipped): look at the environment's "
                                 "observations and rewards for NaN and infinity")

    def _save_on_the_way(self, folder: RunFolder) -> None:
        """A checkpoint; where it cannot be written the one before it stays, and training goes on."""
        whole = self.crew.all_answered                                   # then what is kept is of one moment
        try:
            checkpoint = self._checkpoint(self.shared.kept if whole else self.shared.vectors)
            self._save_latest(folder, checkpoint)
            self._save_best(folder, checkpoint)
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
            self._show_warnings(self.folder)
        if self.display:
            self.display.close(row)
        return unwritten

    def _save_at_the_end(self, folder: RunFolder, last: Checkpoint) -> OSError | None:
        """Each file, whatever becomes of the others; returns what the first was refused for."""
        saves = {"latest.npz": self._save_latest, "best.npz": self._save_best, "final.npz": self._save_final}
        errors = []
        for name, save in saves.items():
            try:
                save(folder, last)
            except OSError as error:
                self._say(f"{name} could not be written, what was there stays: {error}")
                errors.append(error)
        return errors[0] if errors else None

    def _checkpoint(self, vectors: Vectors) -> Checkpoint:
        states, step = self.crew.take_states()
        target = vectors.target.copy() if vectors.target.size else None
        return Checkpoint(self.config, self.start.shapes, vectors.theta.copy(), vectors.statistics.copy(), target,
                          global_step=step, seconds=self.shared.seconds(), workers=states, streams=self.crew.streams,
                          mean_score=self.standing.mean_score)

    def _save_latest(self, folder: RunFolder, checkpoint: Checkpoint) -> None:
        folder.save(checkpoint, self.watch.keep)
        self.saved = checkpoint.global_step

    def _save_best(self, folder: RunFolder, checkpoint: Checkpoint) -> None:
        score = checkpoint.mean_score
        if score is not None and self.standing.episodes >= WINDOW and score > self.best:
            checkpoints.save(folder.path / "best.npz", checkpoint)
            self.best = score

    def _save_final(self, folder: RunFolder, checkpoint: Checkpoint) -> None:
        if checkpoint.global_step >= self.config.total_steps:
            checkpoints.save(folder.path / "final.npz", checkpoint)
            self.saved = checkpoint.global_step

    def _read_episodes(self) -> None:
        rows = self.standing.new_episodes()
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        if self.folder:
            self.folder.append_progress(row)
            self._show_warnings(self.folder)
        if self.display:
            self.display.show(row)

    def _show_warnings(self, folder: RunFolder) -> None:
        while folder.warnings:
            self._show(folder.warnings.pop(0))

    def _progress(self) -> Progress:
        return self.standing.progress(self.crew.alive, self.crew.restarts)
