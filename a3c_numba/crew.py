"""The worker processes of a run: start, hear, ask, stop."""

import signal
import time
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from typing import Any, Iterator

import numpy as np

from . import worker
from .checkpoint import Checkpoint
from .shared import REQUEST, STEPS, UPDATES, Shared

STOP_SECONDS = 2.0


class WorkerDied(RuntimeError):
    """A worker ended before the run did; the message is its number, how it ended, and its traceback."""


class Crew:
    """Workers, and the pipes on which they report.  No update ever waits for anything in here."""

    def __init__(self, context: Any, shared: Shared, start: Checkpoint) -> None:
        self.context, self.shared, self.start_point, self.size = context, shared, start, start.config.workers
        self.streams = start.streams
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        self.states: dict[int, dict[str, Any]] = {}
        self.requested = False
        self.failures: dict[int, str] = {}

    def start(self) -> None:
        """Start worker 0.  The others follow once it has made an update: by then all kernels are in the cache."""
        self._start_worker(0)

    def _start_worker(self, number: int) -> None:
        states = self.start_point.workers
        state = states[number] if number < len(states) else None
        if state is None:
            self.streams += 1                                            # never used before; stream 0 drew theta
        seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))
        ours, theirs = self.context.Pipe(duplex=False)
        arguments = (number, self.start_point.config, self.shared, seed, state, theirs)
        process = self.context.Process(target=worker.main, args=arguments, name=f"worker {number}", daemon=True)
        with signals_held():
            process.start()
        theirs.close()
        self.processes.append(process)
        self.pipes.append(ours)

    def poll(self, seconds: float) -> bool:
        """Wait that long for news; False once every worker has ended.  Raises WorkerDied."""
        if len(self.processes) < self.size and self.shared.counters[0, UPDATES] and not self._is_over():
            for number in range(len(self.processes), self.size):
                self._start_worker(number)
        self._wait(seconds)
        ended = [(number, p.exitcode) for number, p in enumerate(self.processes) if p.exitcode is not None]
        for number, code in ended:
            if code or not self._is_over():
                self._receive(number, self.pipes[number])                # what it said last
                raise WorkerDied(f"worker {number} {_ending(code)}\n{self.failures.get(number, '')}".strip())
        return len(ended) < (len(self.processes) if self._is_over() else self.size)

    def _is_over(self) -> bool:
        return self.shared.stopping or self.shared.global_step() >= self.start_point.config.total_steps

    def _any_alive(self) -> bool:
        return any(process.exitcode is None for process in self.processes)

    def _wait(self, seconds: float) -> None:
        """Until something is said or somebody ends, at most ``seconds``; then receive what was said."""
        pipes = [pipe for pipe in self.pipes if not pipe.closed]
        connection.wait(pipes + [p.sentinel for p in self.processes if p.exitcode is None], seconds)
        for number, pipe in enumerate(self.pipes):
            self._receive(number, pipe)

    def _receive(self, number: int, pipe: Any) -> None:
        try:
            while not pipe.closed and pipe.poll():
                kind, content = pipe.recv()
                (self.states if kind == "state" else self.failures)[number] = content
        except (EOFError, OSError):
            pipe.close()

    def request_states(self) -> None:
        """Ask every worker for its state at the end of the rollout it is in."""
        self.states.clear()
        self.requested = True
        self.shared.commands[REQUEST] += 1

    def states_are_in(self) -> bool:
        """Whether all workers have answered the last request."""
        return self.requested and len(self.states) == self.size

    def take_states(self) -> tuple[list[dict[str, Any] | None], int]:
        """The workers' latest states, None for one that is lost, and the agent steps they add up to."""
        self.requested = False
        steps = [int(self.shared.counters[number, STEPS]) for number in range(self.size)]
        states: list[dict[str, Any] | None] = []
        for number in range(self.size):
            state = self.states.get(number)
            if state is not None:
                steps[number] = state["steps"]
            elif steps[number] == 0 and number < len(self.start_point.workers):
                state = self.start_point.workers[number]                 # it never got as far as a first rollout
            states.append(state)
        return states, self.start_point.global_step + sum(steps)

    def stop(self) -> None:
        """Have all workers end, by word and then by force, within STOP_SECONDS; their last states are received."""
        self.shared.stop()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and self._any_alive():
            self._wait(0.05)
        for number, process in enumerate(self.processes):
            if process.exitcode is None:
                process.kill()
            process.join()
            self._receive(number, self.pipes[number])
            if process.exitcode:
                self.states.pop(number, None)                            # of an earlier moment, if there is one


def _ending(exitcode: int) -> str:
    if exitcode < 0:
        return f"was ended by {signal.Signals(-exitcode).name}"
    return f"died with exit code {exitcode}"


@contextmanager
def signals_held() -> Iterator[None]:
    """SIGINT and SIGTERM wait until the block is left.  A process that is started in it inherits the mask for good."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()                                    # or the start does it, and clears the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
