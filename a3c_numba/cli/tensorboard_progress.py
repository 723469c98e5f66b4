"""A progress bar that also writes each report for TensorBoard."""

from ..progress_bar import ProgressBar
from ..runs.progress import Progress
from ..runs.tensorboard import TensorBoardLog


class TensorBoardProgress(ProgressBar):
    """Show the progress, and write it to ``log``."""

    def __init__(self, total_steps: int, log: TensorBoardLog) -> None:
        super().__init__(total_steps)
        self.log = log

    def update(self, row: Progress) -> None:
        """Write a point of each number, and show the row."""
        self.log(row)
        super().update(row)
