"""Run a training from its first step to its last: reports, checkpoints, orderly stop; no gradient is computed here."""

import dataclasses
import time
from pathlib import Path
from typing import Callable

import numpy as np

from ..config import Config
from ..core.networks import initial_parameters
from ..core.parameters import leaves
from ..core.shared import Shared, Vectors
from ..runs.checkpoint import Checkpoint, WorkerState
from ..runs.checkpointer import Checkpointer
from ..runs.event_log import EventLog
from ..runs.progress import Figures, Progress, news
from ..runs.run_folder import RunFolder
from ..system.advised_error import AdvisedError
from ..system.signals import DeferredSignals
from ..system.terminal import log_once
from ..system.weak_method import weakly
from ..system.whole_words import copied_words
from ..validation import as_scalar
from .evaluations import BackgroundEvaluator, Evaluations
from .limits import Limits
from .progress_tracker import ProgressTracker
from .reached_score import reached_score
from .replay_check import check_replay_memory
from .saved_replay import open_replay
from .reporter import LogReporter, Reporter
from .supervisor import Supervisor
from .worker_handle import StartWorker, start_worker
from .worker_status import WorkerStatus

POLL_SECONDS = 0.1
REPORT_SECONDS = 5.0


class UpdatesSkipped(AdvisedError, RuntimeError):
    """More than ``limits.max_skipped`` updates had non-finite gradients and were skipped; one line."""


def initial_checkpoint(config: Config) -> Checkpoint:
    """Return step 0 of a run: theta drawn from the seed's stream 0, statistics 0."""
    check_replay_memory(config)
    network = config.build_network(config.spaces)
    if line := config.spaces.flattening:
        log_once(line)
    theta = initial_parameters(network, np.random.SeedSequence(config.seed, spawn_key=(0,)))
    return Checkpoint(config, dict(leaves(network.shapes)), theta)


class Trainer:
    """One run, from a checkpoint (perhaps of step 0) to ``config.total_steps``.

    Args:
        start: the checkpoint to start from.
        out: the run's folder, already created; None writes nothing to disk.
        reporter: shows progress and warnings, and says how often there is a report; by default warnings are logged.
        callback: called every ``callback_seconds``, by default at every report; ends the run by returning False.  And
            called once when the run has ended and all is written, unless a signal or an error ended it.
        limits: how many failures end the run, and how often it is saved.
        evaluator: evaluates the parameters while they are trained; best.npz is then chosen by that.
        stop_at: ends the run once the mean of the last WINDOW training games, or of an evaluation, is at least this.
        draw_curve: called at the end with the run's folder; returns why it could not draw, or None.
        start_worker: starts a worker process; tests hand in another.
    """

    def __init__(self, start: Checkpoint, out: Path | None = None, reporter: Reporter | None = None,
                 callback: Callable[[Progress], bool | None] | None = None, limits: Limits = Limits(),
                 draw_curve: Callable[[Path], str | None] | None = None,
                 start_worker: StartWorker = start_worker, callback_seconds: float | None = None,
                 evaluator: BackgroundEvaluator | None = None, stop_at: float | None = None) -> None:
        check_replay_memory(start.config)
        self.start, self.config, self.limits = start, start.config, limits
        self.reporter, self.callback, self.draw_curve = reporter or LogReporter(), callback, draw_curve
        self.events = EventLog()
        self.folder = RunFolder(out, self.events) if out else None
        self.shared = Shared(len(start.theta), self.config.workers, self.config.optimizer.own_statistics,
                             self.config.algorithm.uses_target_network)
        self.shared.resume_at(start.global_step)
        self.shared.load(start.theta, start.statistics, start.target)
        self.status = WorkerStatus(self.shared, self.config.workers, start.seconds)
        self.status.replay = open_replay(self.folder, start)
        self.supervisor = Supervisor(self.status, start, limits, self.events, start_worker=start_worker)
        self.checkpointer = Checkpointer(self.folder, start, limits.keep, bool(evaluator)) if self.folder else None
        self.evaluations = Evaluations(evaluator, start.global_step, weakly(self._record),
                                       self.events) if evaluator else None
        self.interrupts = DeferredSignals()
        self.progress_tracker = ProgressTracker(self.status, self.config, start.seconds, start.global_step)
        every = self.reporter.report_seconds
        self.report_seconds = REPORT_SECONDS if every is None else every
        self.callback_seconds = self.report_seconds if callback_seconds is None else callback_seconds
        self.stop_at, self.stopped = stop_at, False                      # stopped: the score has been reached
        self._called_with = ""                                           # the news that the last callback had
        self._best_unwritten: OSError | None = None                      # by the last evaluation
        self.final_checkpoint: Checkpoint | None = None                  # the last checkpoint of the run

    def run(self) -> Checkpoint:
        """Train to the end.  Return the last checkpoint, which is also on disk if there is a folder.

        Raises WorkerDied, UpdatesSkipped, what Ctrl-C and SIGTERM raise, or else OSError for an unwritten file.
        Before that it writes a checkpoint, or a warning that says why not, unless a second Ctrl-C interrupts it.
        """
        in_order = False
        with self.interrupts:
            try:
                self._watch()
                in_order = not self.interrupts.received
            finally:
                try:
                    self.supervisor.stop()
                    unwritten = self._close(in_order)
                finally:                                                 # a second Ctrl-C
                    if self.evaluations:
                        self.evaluations.close()
            self._call_for_the_last_time()
        self._check_skipped()
        if unwritten:
            raise unwritten
        assert self.final_checkpoint
        return self.final_checkpoint

    def _report_events(self) -> None:
        """Write new events to the run's folder, and show them at once, not line by line: a terminal may be slow."""
        warnings: list[str] = []
        notes: list[str] = []
        while events := self.events.drain():                             # a failed write adds an event
            for event in events:
                (notes if event.kind == "stopped" else warnings).append(event.sentence)
                if self.folder:
                    self.folder.append_event(self.status.seconds(), self.shared.global_step(), event.sentence,
                                             event.worker, event.kind)
        self.reporter.warn(warnings)
        self.reporter.note(notes)

    def _watch(self) -> None:
        states = self.supervisor.states
        reported = called = asked = time.monotonic()
        while self.supervisor.poll(POLL_SECONDS) and not self.interrupts.received:
            now = time.monotonic()
            if self.evaluations:
                self.evaluations.poll(self.shared.global_step(), self.take, self._reached)
            self._report_events()
            self._read_episodes()
            row = None
            if now - reported >= self.report_seconds:
                reported, row = now, self._row()
                self._report(row)
            if self.callback and now - called >= self.callback_seconds:
                called = now
                if self._call(row or self._row()) is False:
                    return
            if row:
                self._check_skipped()
            if reason := self._reached():
                self.stopped = True
                self.events.add("stopped", detail=f"{reason}: the run ends here")
                return
            due = now - asked >= self.limits.checkpoint_seconds or self.status.replay and self.status.replay.is_due
            if self.checkpointer and due and not states.requested:
                asked = now
                states.request()
            if self.checkpointer and states.ready():
                whole = states.all_answered                              # then the snapshot is consistent
                self._save(self._checkpoint(self.status.snapshot_vectors if whole else self.shared.vectors))

    def _reached(self) -> str | None:
        return reached_score(self.stop_at, self.progress_tracker.scores, self.evaluations)

    def _call(self, row: Progress) -> object:
        assert self.callback
        self._called_with = news(row, self.evaluations)
        return as_scalar(self.callback(row))

    def _call_for_the_last_time(self) -> None:
        """Call the callback with the run's last row, if it has news; to end the run means nothing any more."""
        row = self.progress_tracker.latest
        if self.callback and row and not self.interrupts.received and news(row, self.evaluations) != self._called_with:
            self._call(row)

    def _check_skipped(self) -> None:
        skipped = self.progress_tracker.skipped
        if skipped > self.limits.max_skipped:
            advice = "check observations and rewards for NaN or infinity; the limit is"
            raise UpdatesSkipped(f"skipped {skipped:,} updates with non-finite gradients (limit "
                                 f"{self.limits.max_skipped:,})", f"{advice} Limits(max_skipped=...)",
                                 f"{advice} --max-skipped")

    def _close(self, in_order: bool) -> OSError | None:
        """Write the last checkpoint first: later failures lose nothing.  Return the first OSError, or None."""
        self._read_episodes()
        row = self._row()
        self.final_checkpoint = last = self._checkpoint(self.shared.vectors, self.shared.global_step())
        unwritten = self._save(last, in_order and self.stopped)
        self._report_events()
        self._report(row)
        if self.evaluations and in_order and not self.stopped:
            self.evaluations.finish(last, lambda: self.interrupts.received is not None,
                                    lambda line: self.reporter.note([line]))
        elif self.evaluations:
            self.evaluations.close()
        if self.folder and self.draw_curve and (reason := self.draw_curve(self.folder.path)):
            self.events.add("no curve", detail=reason)
        self._report_events()
        self.reporter.close(row)
        return unwritten or self._best_unwritten

    def _record(self, checkpoint: Checkpoint, figures: Figures) -> None:
        """Write an evaluation's row, and best.npz if it is the best so far."""
        if self.folder and self.checkpointer:
            self.folder.append_evaluation(checkpoint, figures)
            evaluated = dataclasses.replace(checkpoint, evaluation_score=figures.mean)
            self._best_unwritten = self.checkpointer.save_evaluated(evaluated)

    def _row(self) -> Progress:
        return self.progress_tracker.progress(self.supervisor.alive, self.supervisor.restarts)

    def _save(self, checkpoint: Checkpoint, stopped: bool = False) -> OSError | None:
        if self.checkpointer is None:
            return None
        valid = self.progress_tracker.skipped <= self.limits.max_skipped
        return self.checkpointer.save(checkpoint, self.progress_tracker.episodes, valid, stopped)

    def take(self) -> Checkpoint:
        """Return a copy of the parameters as they are now, without the workers' states."""
        return self._copy(self.shared.vectors, self.shared.global_step(), [])

    def _checkpoint(self, vectors: Vectors, reached: int = 0) -> Checkpoint:
        """Return a checkpoint of the workers' states; ``reached`` is the final T: killed workers may lack it."""
        states, step = self.supervisor.states.collect()
        return self._copy(vectors, max(step, reached), states)

    def _copy(self, vectors: Vectors, step: int, states: list[WorkerState | None]) -> Checkpoint:
        theta, statistics, target = map(copied_words, vectors)
        return Checkpoint(self.config, self.start.shapes, theta, statistics, target if target.size else None, step,
                          self.status.seconds(), states, self.supervisor.streams, self.progress_tracker.mean_score)

    def _read_episodes(self) -> None:
        rows = self.progress_tracker.new_episodes()
        if self.folder and rows:
            self.folder.append_episodes(rows)

    def _report(self, row: Progress) -> None:
        if self.folder:
            self.folder.append_progress(row)
        if row.has_dead_layer:
            self.events.add_once("dead layer")
        self.reporter.update(row)
