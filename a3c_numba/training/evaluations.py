"""Evaluate a run's parameters every so many agent steps, in the background; what fails is an event, and ends no run.

    T reaches a multiple of ``every``     a copy of theta is evaluated; its row and its checkpoint are of that step
    ... while an evaluation is running    this one is skipped
    the run ends in order                 the running one is waited for, then the last parameters are evaluated
    ... because one has reached a score   none is begun any more
"""

from typing import Callable, Protocol

import numpy as np

from ..runs.checkpoint import Checkpoint
from ..runs.event_log import EventLog
from ..runs.progress import Figures
from ..system.text import one_line

WAIT_SECONDS = 0.1             # between two looks for a signal, at the end of a run
SILENT_LOOKS = 10              # before it is said that the run waits

Take = Callable[[], Checkpoint]                  # copies the parameters as they are now
Record = Callable[[Checkpoint, Figures], None]   # of the parameters that were evaluated


class BackgroundEvaluator(Protocol):
    """Evaluates parameters in the background, one set at a time; background_evaluation.py has one."""

    @property
    def every(self) -> int:
        """Return the agent steps from one evaluation to the next."""

    def start(self, theta: np.ndarray) -> None:
        """Begin to evaluate a copy of theta.  Raises an Exception if that is impossible."""

    def result(self, seconds: float = 0.0) -> Figures | None:
        """Return the figures, or None if they do not come within ``seconds``; raise what has failed."""

    def close(self) -> None:
        """End the evaluation, if one is running."""


class Evaluations:
    """The evaluations of one run, from agent step ``start`` on.

    Attributes:
        latest: the step and the figures of the last one; None before.
    """

    def __init__(self, evaluator: BackgroundEvaluator, start: int, record: Record, events: EventLog) -> None:
        self.evaluator, self.record, self.events = evaluator, record, events
        self.due = self._after(start)
        self.latest: tuple[int, Figures] | None = None
        self._running: Checkpoint | None = None
        self._last_step = -1                                             # of the last one that was begun
        self._has_skipped = False

    def _after(self, step: int) -> int:
        return (step // self.evaluator.every + 1) * self.evaluator.every

    def poll(self, step: int, take: Take, is_last: Callable[[], object] = lambda: False) -> None:
        """Record an evaluation that is over, and begin one that is due at agent step ``step``.

        ``is_last`` is asked in between: true if the run ends with the evaluation that is recorded.
        """
        self._finish()
        if step < self.due or is_last():
            return
        if self._running is None:
            self._begin(take())
        elif not self._has_skipped:
            self._has_skipped = True
            self.events.add("evaluation", detail=f"the evaluation due at step {self.due:,} is skipped, that of step "
                            f"{self._running.global_step:,} is still running: from now on the same without a line")
        self.due = self._after(step)

    def _begin(self, checkpoint: Checkpoint) -> None:
        self._last_step = checkpoint.global_step
        try:
            self.evaluator.start(checkpoint.theta)
            self._running = checkpoint
        except InterruptedError:                                         # by a signal, which ends the run
            pass
        except Exception as error:                                       # no room for it: the training goes on
            self._fail(checkpoint.global_step, error)

    def _finish(self, seconds: float = 0.0) -> None:
        """Record the running evaluation if it is over within ``seconds``."""
        running = self._running
        if running is None:
            return
        try:
            figures = self.evaluator.result(seconds)
        except Exception as error:                                       # whatever an environment raises
            self._running = None
            self._fail(running.global_step, error)
            return
        if figures:
            self._running, self.latest = None, (running.global_step, figures)
            self.record(running, figures)

    def _fail(self, step: int, error: Exception) -> None:
        said = f"{type(error).__name__}: {one_line(error)}"
        self.events.add("evaluation", detail=f"the evaluation of step {step:,} failed: {said}")

    def finish(self, last: Checkpoint, is_interrupted: Callable[[], bool], say: Callable[[str], None]) -> None:
        """Wait for the running evaluation and for that of the last parameters, until there is an interrupt.

        ``say`` is called with a line for each that takes long.
        """
        try:
            self._wait(is_interrupted, say)
            if self._last_step != last.global_step and not is_interrupted():
                self._begin(last)
                self._wait(is_interrupted, say)
        finally:
            self.close()

    def _wait(self, is_interrupted: Callable[[], bool], say: Callable[[str], None]) -> None:
        looks = 0
        while self._running and not is_interrupted():
            if looks == SILENT_LOOKS:
                say(f"waiting for the evaluation of step {self._running.global_step:,}; Ctrl-C skips it")
            looks += 1
            self._finish(WAIT_SECONDS)

    def close(self) -> None:
        """End the evaluation that is running; it has no row."""
        running, self._running = self._running, None
        self.evaluator.close()
        if running:
            self.events.add("evaluation", detail=f"the evaluation of step {running.global_step:,} was interrupted")
