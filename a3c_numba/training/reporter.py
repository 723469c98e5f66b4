"""Report a run to a person: the protocol that the trainer calls, and the reporter of a run without a display."""

from typing import Protocol

from ..runs.progress import Progress
from ..system.terminal import log


class Reporter(Protocol):
    """What the trainer calls; no call may block, or it delays the supervision of the workers."""

    @property
    def report_seconds(self) -> float | None:
        """Return the seconds from one report to the next, or None for the trainer's default."""

    def update(self, row: Progress) -> None:
        """Show the run's progress, once per report."""

    def warn(self, lines: list[str]) -> None:
        """Show each warning on a line of its own; there may be none."""

    def note(self, lines: list[str]) -> None:
        """Show each line, which is no warning, on a line of its own; there may be none."""

    def close(self, row: Progress) -> None:
        """Show the last progress of the run."""


class LogReporter:
    """Log what is said, and show no progress."""

    def __init__(self, report_seconds: float | None = None) -> None:
        self.report_seconds = report_seconds

    def update(self, row: Progress) -> None:
        """Show nothing."""

    def warn(self, lines: list[str]) -> None:
        """Log each warning."""
        log(lines)

    def note(self, lines: list[str]) -> None:
        """Log each line."""
        log(lines)

    def close(self, row: Progress) -> None:
        """Show nothing."""
