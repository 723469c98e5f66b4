"""Supervise the nodes and parameter servers of a run: collect reports and snapshots, and note what Ray restarts.

A node that is lost is restarted by Ray, and joins the run anew; the others do not wait.  A parameter server that is
restarted is empty: it is sent the theta of the last snapshot, which is as new as the last checkpoint or newer, and its
own last T.  The T of the nodes' reports holds steps that they have not handed in yet, and will.
"""

import time
from typing import Any, Callable, Protocol

import numpy as np

from ..runs.checkpoint import Checkpoint
from ..runs.event_log import EventLog
from ..training.limits import Limits
from ..training.restarts import WorkerDied
from ..training.supervisor import Supervisor
from .engine import Gone, Lost
from .messages import Counts, Report, State
from .nodes_status import NodesStatus
from .shards import joined, part_of, slices
from .snapshots import Snapshots

REPORT_SECONDS = 0.5           # between two questions to the same actor
SNAPSHOT_SECONDS = 10.0        # between two snapshots at most, also without checkpoints
STOP_SECONDS = 6.0             # for the nodes to stop by themselves, and for the last snapshot
LAST_SECONDS = 2.0
ALONE_SECONDS = 10.0           # without an exchange, after which it is an event; a restart takes less


class Engine(Protocol):
    """What the supervisor needs of Ray (engine.py)."""

    servers: list[Any]
    nodes: list[Any]

    def wait(self, references: list[object], seconds: float) -> list[object]: ...
    def answer(self, reference: object) -> Any: ...
    def close(self) -> None: ...


class ClusterSupervisor(Supervisor):
    """Supervise the nodes; log to ``events`` which of them are lost, and come back.

    Attributes:
        state: the last snapshot.
        server_step: T as the first parameter server last said it.
        refused: deltas discarded, of all parameter servers, also of those that were restarted since.
    """

    status: NodesStatus

    def __init__(self, engine: Engine, status: NodesStatus, start: Checkpoint, limits: Limits, events: EventLog,
                 clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(status, start, limits, events, clock)
        self.engine = engine
        self.states: Snapshots = Snapshots(status, start, self.handles, clock)
        self.state = State(start.theta, start.statistics, start.target, start.global_step)
        self.server_step = start.global_step
        self.slices = slices(len(start.theta), len(engine.servers))
        self.serials: list[dict[str, int] | None] = [None] * len(engine.servers)         # of the last snapshot
        self.reports = [Report() for _ in engine.nodes]
        self.lost: set[int] = set()                                      # nodes that Ray restarts
        self.gone: set[int] = set()                                      # and that it does not
        self.alone: set[int] = set()                                     # nodes that reach no parameter server
        self.losses, self.refused = 0, 0
        self.last_refused = [0] * len(engine.servers)                    # of each since it was started
        self.loaded: set[int] = set()                                    # parameter servers that have had a theta
        self.pending: dict[object, tuple[str, int]] = {}
        self.due: dict[tuple[str, int], float] = {}
        self.parts: dict[int, State] = {}                                # of the snapshot under way
        self.snapshot_seconds = min(SNAPSHOT_SECONDS, limits.checkpoint_seconds)
        self.snapshot_due = clock() + self.snapshot_seconds

    @property
    def restarts(self) -> int:
        """Return the number of nodes and of workers that were restarted."""
        return self.losses + sum(report.restarts for report in self.reports)

    @property
    def alive(self) -> int:
        """Return the number of running workers."""
        return sum(report.alive for report in self.reports)

    def poll(self, seconds: float) -> bool:
        """Ask for what is due, and take up the answers that come within ``seconds``.

        Return False when a node has made the last step of the run.  Raises WorkerDied.
        """
        self._ask_all()
        self._answers(seconds)
        return not (self.status.stopping or any(report.finished for report in self.reports))

    def _ask_all(self) -> None:
        now = self.clock()
        for number, server in enumerate(self.engine.servers):
            self._ask_if_due("counts", number, server.counts, now)
        for number, node in enumerate(self.engine.nodes):
            if number not in self.gone and not self.reports[number].finished:
                self._ask_if_due("report", number, node.report, now)
        if now >= self.snapshot_due or self.states.requested and not self.states.ready():
            self._ask_snapshot()

    def _ask_if_due(self, kind: str, number: int, method: Any, now: float) -> None:
        if now >= self.due.get((kind, number), 0.0):
            self.due[kind, number] = np.inf                              # until it has answered
            self.pending[method.remote()] = kind, number

    def _ask_snapshot(self) -> None:
        under_way = any(kind == "snapshot" for kind, _ in self.pending.values())
        if under_way or len(self.loaded) < len(self.engine.servers):
            return
        self.snapshot_due = self.clock() + self.snapshot_seconds
        self.parts = {}
        for number, server in enumerate(self.engine.servers):
            self.pending[server.snapshot.remote()] = "snapshot", number

    def refresh(self) -> None:
        """Take a snapshot, or wait for the one under way, for a few seconds at most.  Raises WorkerDied."""
        before, deadline = self.state.theta, self.clock() + LAST_SECONDS
        self._ask_snapshot()
        while self.state.theta is before and self.clock() < deadline:
            self._answers(0.05)

    def _answers(self, seconds: float) -> None:
        for reference in self.engine.wait(list(self.pending), seconds):
            kind, number = self.pending.pop(reference)
            self.due[kind, number] = self.clock() + REPORT_SECONDS
            try:
                answer = self.engine.answer(reference)
            except (Lost, Gone) as error:
                if kind == "report":
                    self._lose_node(number, error)
                continue
            if kind == "report":
                self._take_report(number, answer)
            elif kind == "counts":
                self._take_counts(number, answer)
            elif kind == "snapshot":
                self._take_part(number, answer)

    def _lose_node(self, number: int, error: Lost | Gone) -> None:
        """Note the loss of a node.  Raises WorkerDied if it was the last."""
        if isinstance(error, Gone):
            self.gone.add(number)
        if number not in self.lost or number in self.gone:
            self.losses += number not in self.lost
            self.lost.add(number)
            others = sum(report.alive > 0 for report in self.reports) - (self.reports[number].alive > 0)
            how = f"not restarted again ({error})" if number in self.gone else "Ray restarts it"
            self._note("lost", number, f"was lost: {how}; the others continue, {others} with workers")
        self.reports[number] = self.reports[number]._replace(alive=0)
        self.status.lose(number)
        self.alone.discard(number)
        if len(self.gone) == len(self.engine.nodes):
            raise WorkerDied(f"no node is left: {error}")

    def _note(self, kind: str, number: int, what: str) -> None:
        """Log an event of a node, for its first worker."""
        self.events.add(f"node {kind}", number * self.status.per_node, f"node {number} {what}")

    def _take_report(self, number: int, report: Report) -> None:
        """Take up a node's report.  Raises WorkerDied with what has ended its trainer."""
        if number in self.lost and report.joined >= 0:
            self.lost.discard(number)
            self._note("joined", number, f"has joined again at step {report.global_step:,}")
        for line in report.warnings:
            self._note("warning", number, f"says: {line}")
        self._note_outage(number, report.unreached)
        self.status.take(number, report)
        if report.joined != self.reports[number].joined:                 # its counts began at 0 again
            self.losses += self.reports[number].restarts
        self.reports[number] = report
        self.streams = max(self.streams, report.streams)
        if report.failure:
            raise WorkerDied(f"node {number}: {report.failure}")

    def _note_outage(self, number: int, seconds: float) -> None:
        if seconds >= ALONE_SECONDS and number not in self.alone:
            self.alone.add(number)
            self._note("alone", number, f"has reached no parameter server for {seconds:.0f} s, and trains on alone")
        elif not seconds and number in self.alone:
            self.alone.discard(number)
            self._note("reconnected", number, "has reached the parameter server again")

    def _take_counts(self, number: int, counts: Counts) -> None:
        """Send an empty parameter server the last snapshot, with its own last T."""
        self.refused += max(0, counts.refused - self.last_refused[number])
        self.last_refused[number] = counts.refused
        if counts.ready:
            self.loaded.add(number)
            if number == 0:
                self.server_step = counts.global_step
                self.state = self.state._replace(joined=max(self.state.joined, counts.joined))
            return
        if number in self.loaded:
            self.loaded.discard(number)
            self.events.add("parameter server restarted", None, f"of step {self.state.global_step:,}")
        state = self.state._replace(global_step=max(self.state.global_step, self.server_step))
        server = self.engine.servers[number]
        part = part_of(state, self.slices[number])._replace(serials=self.serials[number])
        self.pending[server.load.remote(part)] = "load", number

    def _take_part(self, number: int, part: State | None) -> None:
        if part is None:                                                 # it was restarted, and is empty
            return
        self.parts[number] = part
        if len(self.parts) == len(self.slices):
            parts = [self.parts[shard] for shard in range(len(self.slices))]
            self.state, self.serials = joined(parts), [part.serials for part in parts]
            self.status.shared.load(self.state.theta, self.state.statistics, self.state.target)
            self.states.snapshot_step = self.state.global_step

    def stop(self) -> None:
        """Ask all nodes to stop, wait for their last deltas, take the last snapshot, and leave the cluster."""
        self.status.stop()
        try:
            for number, node in enumerate(self.engine.nodes):
                if number not in self.gone:
                    self.pending[node.stop.remote()] = "stop", number
            self._wait_until(lambda: all(report.finished or number in self.gone | self.lost
                                         for number, report in enumerate(self.reports)), STOP_SECONDS)
            self._ask_anew("snapshot", "counts")
            self._wait_until(lambda: self.states.snapshot_step is not None, LAST_SECONDS)
            if self.states.snapshot_step is not None:
                self.status.shared.resume_at(self.states.snapshot_step)
            if self.refused:
                parts = "" if len(self.slices) == 1 else "parts of the "  # each shard discards its own
                self.events.add("deltas discarded", None, f"{self.refused:,} of the {parts}nodes' deltas")
        finally:                                                         # a second Ctrl-C: leave at once
            self.engine.close()

    def _ask_anew(self, *kinds: str) -> None:
        """Forget answers under way, which may be older than the last deltas; they are asked for at the next look."""
        self.pending = {reference: asked for reference, asked in self.pending.items() if asked[0] not in kinds}
        self.due = {key: when for key, when in self.due.items() if key[0] not in kinds}
        self.states.snapshot_step = None
        self.snapshot_due = self.clock()

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = self.clock() + seconds
        while not condition() and self.clock() < deadline:
            for key in self.due:
                self.due[key] = min(self.due[key], self.clock() + 0.1) if self.due[key] < np.inf else np.inf
            self._ask_all()
            try:
                self._answers(0.05)
            except WorkerDied as error:                                  # the run ends anyhow
                self.events.add("node warning", detail=str(error).splitlines()[0])
