"""A replay memory that lies in a file of the run's folder, so that a resumed run is the one that was interrupted."""

from ..core.replay import ReplayMemory
from ..core.replay_worker import ReplayWorker
from ..core.returns import Rollout
from ..core.worker import Worker
from ..runs.checkpoint import Checkpoint, WorkerState
from ..runs.replay_file import ARRAYS, FILE, ReplayFile
from ..runs.run_folder import RunFolder


class SavedReplayMemory(ReplayMemory):
    """The memory of a worker, in a file.

    Args:
        memory: an empty one of the same size.
        saved: the worker's state in the checkpoint that it resumes from; None if it begins, or replaces another worker,
            whose memory it takes over.
    """

    def __init__(self, memory: ReplayMemory, file: ReplayFile, saved: WorkerState | None) -> None:
        super().__init__(memory.capacity, memory.shape, memory.frames.dtype, memory.stack)
        self.file = file
        for name, array in zip(ARRAYS, file.ring, strict=True):
            setattr(self, name, array)
        self.entries, self.steps = file.entries, file.steps
        if saved and saved["entries"] == self.entries:
            self.begins = saved["begins"]
        elif self.entries:
            self.break_off()

    def add(self, rollout: Rollout, ended: bool) -> None:
        """Add the rollout, as any memory does, and note in the file what was added."""
        before = self.entries
        super().add(rollout, ended)
        for entry in range(before, self.entries):
            self.file.set_checksum(entry)
        self.file.set_counts(self.entries, self.steps)

    def break_off(self) -> None:
        """Note that the episode under way does not go on: the successor of its last step will never come."""
        self.drawable[(self.entries - 1) % len(self.frames)] = False
        self.begins = True

    def state(self) -> WorkerState:
        """Return what a checkpoint says of the memory."""
        return {"entries": self.entries, "steps": self.steps, "begins": self.begins,
                "crc32": self.file.crc32(self.entries)}


def use_file(worker: Worker, file: ReplayFile, state: WorkerState | None) -> None:
    """Put the worker's memory into the file; ``state``: what the worker resumes from."""
    assert isinstance(worker, ReplayWorker)
    worker.memory = SavedReplayMemory(worker.memory, file, state and state.get("replay"))


def check_episode(worker: Worker) -> None:
    """Break off the memory's episode if the worker, which was resumed, has not gone on with it."""
    memory = getattr(worker, "memory", None)
    if isinstance(memory, SavedReplayMemory) and worker.collector.episode_seed is None and not memory.begins:
        memory.break_off()


def replay_state(worker: Worker) -> WorkerState:
    """Return what a checkpoint says of the worker's memory: nothing if it is not saved."""
    memory = getattr(worker, "memory", None)
    return {"replay": memory.state()} if isinstance(memory, SavedReplayMemory) else {}


def undo_open(file: ReplayFile | None) -> None:
    """Delete the file of a run that is refused, if it was new: nothing is in it, and the disk may be full."""
    if file and file.is_new:
        file.path.unlink(missing_ok=True)


def open_replay(folder: RunFolder | None, start: Checkpoint) -> ReplayFile | None:
    """Return the file of a run's memory, which is then that of the checkpoint ``start``; None if none is to be saved.

    If the file does not hold that memory, log it as an event of the folder.  Raises OSError, in one line.
    """
    if folder is None or not start.config.save_replay:
        return None
    folder.replay = file = ReplayFile(folder.path / FILE, start.config)
    if start.global_step == 0:
        file.begin_at(0, 0)
        return file
    saved = start.workers[0].get("replay") if start.workers and start.workers[0] else None
    problem = ""
    if file.problem:
        problem = file.problem
    elif saved is not None and not file.resume(saved):
        problem = f"does not hold the memory of step {start.global_step:,}: overwritten since then, or damaged"
    if problem:
        folder.events.add("replay memory", detail=f"{file.path} {problem}; the run begins with an empty replay memory, "
                          "and is not the one that was interrupted")
    elif saved is None:
        folder.events.add("replay memory", detail=f"the checkpoint of step {start.global_step:,} does not say what the "
                          f"replay memory was; the run continues with what is in {file.path}, {file.entries:,} frames "
                          "so far, and is not exactly the one that was interrupted")
    return file
