"""A reporter that also writes a run's progress for TensorBoard."""

from ..runs.progress import Progress
from ..runs.tensorboard import TensorBoardLog
from ..training.reporter import Reporter


class TensorBoardReporter:
    """Write each row to ``log``, and pass everything on to ``shown``."""

    def __init__(self, shown: Reporter, log: TensorBoardLog) -> None:
        self.shown, self.log = shown, log
        self.report_seconds = shown.report_seconds

    def update(self, row: Progress) -> None:
        """Write a point of each number, and show the row."""
        self.log(row)
        self.shown.update(row)

    def warn(self, lines: list[str]) -> None:
        """Show the warnings."""
        self.shown.warn(lines)

    def note(self, lines: list[str]) -> None:
        """Show the lines."""
        self.shown.note(lines)

    def close(self, row: Progress) -> None:
        """Show the last row."""
        self.shown.close(row)
