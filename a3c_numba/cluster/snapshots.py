"""Snapshots of the centre, which the driver's checkpoints are written from."""

from ..runs.checkpoint import WorkerState
from ..training.state_collector import StateCollector


class Snapshots(StateCollector):
    """What the trainer asks for a checkpoint: here a snapshot of the centre.  The episodes under way are lost."""

    snapshot_step: int | None = None

    def request(self) -> None:
        """Request a snapshot."""
        self.requested_at, self.snapshot_step = self.clock(), None

    @property
    def all_answered(self) -> bool:
        """False: the snapshot is in the shared vectors themselves."""
        return False

    def ready(self) -> bool:
        """True if a snapshot has come since the last request."""
        return self.requested and self.snapshot_step is not None

    def collect(self) -> tuple[list[WorkerState | None], int]:
        """Return no states, and the T of the last snapshot."""
        step = self.start_point.global_step if self.snapshot_step is None else self.snapshot_step
        self.requested_at = self.snapshot_step = None
        return [], step
