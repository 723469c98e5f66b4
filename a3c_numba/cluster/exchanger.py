"""The exchange of a node with the parameter server, while the node's workers go on.

    s <- theta (a copy)    centre <- centre + (s - base)    theta <- theta + (centre - s)    base <- centre

The last addition is element by element and in place, without a lock, as a worker's update is: what the workers add
between the copy and the addition stays in theta, and is part of the next delta.  A delta that was not answered is
repeated as it was, with its s, until it is: the server may have taken it up, and knows it by its serial number.

T is exchanged by the same rule, with the atomic addition.  So annealing, the end of the run and I_target are of the
steps of all nodes.  If the steps of others cross a multiple of I_target, the exchange renews theta-.
"""

import threading
import time
import uuid
from typing import Callable, NamedTuple, Protocol

import numpy as np

from ..core.algorithms import Algorithm
from ..system.whole_words import copied_words
from .messages import Delta, Reply, State
from .shards import SharedSlice

POLL_SECONDS = 0.005           # between two looks at the number of updates
RETRY_SECONDS = 1.0            # after a failed call
HAND_IN_SECONDS = 3.0          # in which the last delta is tried again; the driver waits for 6 s
PUBLISH_SECONDS = 10.0         # between two copies of a node that does not exchange
KEEP_EVERY = 10                # exchanges; with each of these go the statistics and theta-


class Server(Protocol):
    """A parameter server as a node sees it; any call may raise ConnectionError."""

    def join(self) -> State | None: ...
    def load(self, state: State) -> None: ...
    def exchange(self, delta: Delta) -> Reply | None: ...


class Pending(NamedTuple):
    """A delta that has not been answered yet, and the s and T that it was made from."""

    delta: Delta
    s: np.ndarray
    step: int


class Exchanger:
    """The exchange of one node with one parameter server.

    Attributes:
        base, base_step: theta (n,) and T of the centre as last seen.
        pending: the delta that the next call repeats.
        unreached_since: when the first call began of those that reached no parameter server with a theta; None if the
            last call reached one.
    """

    def __init__(self, shared: SharedSlice, server: Server, start: State, algorithm: Algorithm) -> None:
        self.shared, self.server, self.algorithm = shared, server, algorithm
        self.base, self.base_step, self.version = start.theta.copy(), start.global_step, start.version
        self.joined, self.count = start.joined, 0
        self.unreached_since: float | None = None
        self.sender = uuid.uuid4().hex                                   # two nodes may have the same ``joined``
        self.pending: Pending | None = None

    def exchange(self, with_statistics: bool = False) -> bool:
        """Exchange once, and before that repeat a delta that was not answered.

        Return False, and change nothing, if no parameter server could be reached.
        """
        if self.pending:
            version = self.version
            if not self._send(self.pending):
                return False
            self.version = version                                       # where what was learned meanwhile began, too
        self.pending = self._take(with_statistics)
        return self._send(self.pending)

    def _take(self, with_statistics: bool) -> Pending:
        step, s = self.shared.global_step(), copied_words(self.shared.theta)
        keep = with_statistics or self.count % KEEP_EVERY == 0
        self.count += 1
        delta = Delta(s - self.base, self.version, step - self.base_step, self.sender, self.count,
                      *(self._kept() if keep else ()))
        return Pending(delta, s, step)

    def _send(self, pending: Pending) -> bool:
        began = time.monotonic()
        try:
            reply = self.server.exchange(pending.delta)
        except ConnectionError:
            reply = None
        self._note(began, reply is not None)
        if reply is None:
            return False
        self.pending = None
        add_in_place(self.shared.theta, reply.theta - pending.s)
        self.base, self.base_step, self.version = reply.theta, reply.global_step, reply.version
        self._advance(reply.global_step - pending.step)
        return True

    def _note(self, began: float, reached: bool) -> None:
        if reached:
            self.unreached_since = None
        elif self.unreached_since is None:
            self.unreached_since = began

    def _advance(self, steps: int) -> None:
        """T <- T + the others' steps; they may be negative after a parameter server was restarted."""
        before = self.shared.advance(steps)
        if steps > 0 and self.algorithm.renews_target(before, before + steps):
            self.shared.renew_target()

    def _kept(self) -> tuple[np.ndarray, np.ndarray | None]:
        target = self.shared.target
        return copied_words(self.shared.statistics), copied_words(target) if target.size else None

    def publish(self) -> bool:
        """Replace the centre by this node's theta, to the bit, as the only node of a run without exchanges does."""
        step, theta = self.shared.global_step(), copied_words(self.shared.theta)
        statistics, target = self._kept()
        began, reached = time.monotonic(), True
        try:
            self.server.load(State(theta, statistics, target, step, self.version, self.joined + 1))
        except ConnectionError:
            reached = False
        self._note(began, reached)
        return reached


def add_in_place(theta: np.ndarray, change: np.ndarray) -> None:
    """theta <- theta + change: each element is read and written within one instruction or two, and no copy is made."""
    np.add(theta, change, out=theta)


class ExchangeThread(threading.Thread):
    """Exchange whenever the node has made ``every`` more updates, until ``stop``.

    0: the node is alone in its run.  Every PUBLISH_SECONDS and at the end it replaces the centre.
    """

    def __init__(self, exchangers: list[Exchanger], updates: Callable[[], int], every: int) -> None:
        super().__init__(name="exchange", daemon=True)
        self.exchangers, self.updates, self.every = exchangers, updates, every
        self.ended = threading.Event()
        self.failure: Exception | None = None                            # a delta that no server takes up

    def run(self) -> None:
        """Exchange until ``stop``; wait after a failed call, while the workers go on."""
        last = self.updates()
        while not self.ended.wait(POLL_SECONDS if self.every else PUBLISH_SECONDS):
            made = self.updates()
            if made - last < self.every:
                continue
            last = made
            try:
                if not self.exchange():
                    self.ended.wait(RETRY_SECONDS)
            except Exception as error:
                self.failure = error
                return

    def exchange(self) -> bool:
        """Exchange with every shard; return whether all could be reached."""
        return not self._unreached(self.exchangers, False)

    def _unreached(self, exchangers: list[Exchanger], with_statistics: bool) -> list[Exchanger]:
        return [exchanger for exchanger in exchangers
                if not (exchanger.exchange(with_statistics) if self.every else exchanger.publish())]

    def unreached(self) -> float:
        """Return for how many seconds a parameter server has not been reached; 0.0 if all were at the last call."""
        since = [exchanger.unreached_since for exchanger in self.exchangers]
        return max((time.monotonic() - began for began in since if began is not None), default=0.0)

    def stop(self) -> None:
        """End the thread, and hand in the last delta, for HAND_IN_SECONDS.  Raise what has ended it before."""
        self.ended.set()
        self.join()
        if self.failure:
            raise self.failure
        left, deadline = self.exchangers, time.monotonic() + HAND_IN_SECONDS
        while (left := self._unreached(left, True)) and time.monotonic() < deadline:
            time.sleep(HAND_IN_SECONDS / 10)
