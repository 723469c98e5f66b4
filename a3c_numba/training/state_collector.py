"""Collect the states of all workers for a checkpoint: each worker sends its own at the end of a rollout."""

from typing import Callable

from ..runs.checkpoint import Checkpoint, WorkerState
from .worker_handle import WorkerHandle, WorkerPhase
from .worker_status import WorkerStatus

ANSWER_SECONDS = 10.0          # after which a checkpoint is written without the missing states


class StateCollector:
    """Request states, and collect what has arrived; ``handles`` is the supervisor's own dict of its workers."""

    def __init__(self, status: WorkerStatus, start: Checkpoint, handles: dict[int, WorkerHandle],
                 clock: Callable[[], float]) -> None:
        self.status, self.start_point, self.handles, self.clock = status, start, handles, clock
        self.restored = dict(enumerate(start.workers))                   # what a worker resumes from, until it is lost
        self.requested_at: float | None = None

    @property
    def requested(self) -> bool:
        """True from a request until its answers are collected."""
        return self.requested_at is not None

    def request(self) -> None:
        """Request every worker's state at the end of its current rollout; that of one that has ended stays."""
        for handle in self.handles.values():
            if handle.reported is not WorkerPhase.FINISHED:
                handle.forget_state()
        self.requested_at = self.clock()
        self.status.request_states()

    @property
    def all_answered(self) -> bool:
        """True if every worker has answered the last request."""
        return (len(self.handles) == self.start_point.config.workers
                and all(handle.state for handle in self.handles.values()))

    def ready(self) -> bool:
        """True if all workers have answered the last request, or ANSWER_SECONDS have passed."""
        if self.requested_at is None:
            return False
        return self.all_answered or self.clock() - self.requested_at > ANSWER_SECONDS

    def collect(self) -> tuple[list[WorkerState | None], int]:
        """Return the workers' latest states, None for a lost one, and the agent steps they add up to."""
        self.requested_at = None
        steps: list[int] = self.status.steps.tolist()
        states: list[WorkerState | None] = []
        for number in range(self.start_point.config.workers):
            state = self.handles[number].state if number in self.handles else None
            if state is not None:
                steps[number] = state["steps"]
            elif steps[number] == 0:
                state = self.restored.get(number)                        # no worker has finished a first rollout
            states.append(state)
        return states, self.start_point.global_step + sum(steps)
