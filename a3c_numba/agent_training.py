"""What ``Agent.learn``, ``Agent.resume`` and the command line share: a run's options, its trainer, its first state."""

import dataclasses
import math
import weakref
from contextlib import contextmanager
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Callable, Generic, Iterator, TypeVar

from .background_evaluation import BackgroundEvaluation
from .cluster.settings import Ray
from .cluster.trainer import ClusterTrainer
from .plots.curves import draw_curve
from .progress_bar import ProgressBar
from .runs.checkpoint import Checkpoint
from .runs.progress import Figures, Progress
from .runs.replay_file import ONE_MACHINE
from .runs.run_folder import RunFolder
from .system.directory_lock import exclusive_lock
from .system.text import short_repr
from .system.user_path import user_path
from .training.limits import Limits
from .training.reporter import Reporter
from .training.saved_replay import undo_open
from .training.trainer import Trainer
from .validation import as_scalar, whole_number

MOST_EPISODES = 1_000_000
AnyAgent = TypeVar("AnyAgent")
CALLED: set[int] = set()       # ids of the agents whose callback is being called


class LiveProgress(Progress, Generic[AnyAgent]):
    """A ``Progress`` for a callback.

    Attributes:
        agent: the Agent that is learning, with the parameters of this moment: ``predict``, ``evaluate`` and ``save``
            use them.  The next callback overwrites them; ``copy.copy(progress.agent)`` keeps them.  What is written to
            them does not reach the workers.
        evaluation: agent step and Figures (mean, standard_error ...) of this training's latest evaluation, or None.
    """

    agent: AnyAgent = None  # type: ignore[assignment]
    evaluation: tuple[int, Figures] | None = None


@dataclasses.dataclass(frozen=True)
class RunOptions(Generic[AnyAgent]):
    """How a run is watched and ended, see ``Agent.learn``.  Raises ValueError, in one line, for what no run can use."""

    callback: Callable[[LiveProgress[AnyAgent]], bool | None] | None = None
    callback_seconds: float = 5.0
    progress: bool = False
    limits: Limits = Limits()
    evaluate_every: int | None = None
    evaluate_episodes: int = 30
    stop_at: float | None = None
    cluster: Ray | None = None

    def __post_init__(self) -> None:
        """Validate the fields."""
        if self.callback is not None and not callable(self.callback):
            raise ValueError(f"callback must be a function; got {short_repr(self.callback)}")
        if not isinstance(self.limits, Limits):
            raise ValueError(f"limits must be Limits(); got {short_repr(self.limits)}")
        if self.cluster is not None and not isinstance(self.cluster, Ray):
            raise ValueError(f"cluster must be Ray(); got {short_repr(self.cluster)}")
        if _finite("callback_seconds", self.callback_seconds) <= 0:
            raise ValueError(f"callback_seconds must be above 0; got {short_repr(self.callback_seconds)}")
        if self.stop_at is not None:
            object.__setattr__(self, "stop_at", _finite("stop_at", self.stop_at))
        whole_number("evaluate_episodes", self.evaluate_episodes, 1, MOST_EPISODES)
        if self.evaluate_every is not None:
            whole_number("evaluate_every", self.evaluate_every, 1, 2**62)

    def trainer(self, start: Checkpoint, folder: RunFolder | None, reporter: Reporter | None = None,
                agent: AnyAgent | None = None, adopt: Callable[[Checkpoint], None] | None = None,
                begin: Callable[[], list[float]] = list) -> Trainer:
        """Return the trainer of a run that begins with ``start``; OSError if there is no memory for it.

        ``adopt`` gives the ``agent`` the parameters of the moment, before each callback.  ``begin`` changes the folder
        once nothing else can refuse the run, and returns the scores of the run's episodes so far.
        """
        def call(row: Progress) -> bool | None:
            assert self.callback is not None and agent is not None and adopt
            trainer = weak()                                             # or trainer and callback would hold each other
            assert trainer
            adopt(trainer.take())
            live: LiveProgress[AnyAgent] = LiveProgress(*row)
            live.agent, live.evaluation = agent, trainer.evaluations.latest if trainer.evaluations else None
            CALLED.add(id(agent))
            try:
                return self.callback(live)
            finally:
                CALLED.discard(id(agent))

        if id(agent) in CALLED:
            raise ValueError("this agent is learning: in a callback copy.copy(progress.agent) can learn, it cannot")

        config, evaluator = start.config, None
        if config.save_replay and (folder is None or self.cluster):
            raise ValueError(ONE_MACHINE if self.cluster else "save_replay keeps the replay memory in the run's "
                             "folder: give out=")
        reporter = reporter or (ProgressBar(config.total_steps) if self.progress else None)
        callback = None if self.callback is None else call
        if self.evaluate_every is not None:
            evaluator = BackgroundEvaluation(config, int(self.evaluate_every), int(self.evaluate_episodes),
                                             self.limits.heartbeat_seconds)
        trainer_class: Callable[..., Trainer] = partial(ClusterTrainer, self.cluster) if self.cluster else Trainer
        trainer = trainer_class(start, folder.path if folder else None, reporter, callback, self.limits, draw_curve,
                                callback_seconds=float(self.callback_seconds), evaluator=evaluator,
                                stop_at=self.stop_at)
        weak = weakref.ref(trainer)
        try:
            trainer.progress_tracker.resume_from(begin())
        except BaseException:
            trainer.supervisor.stop()                                    # the nodes of a cluster have started
            undo_open(trainer.status.replay)
            raise
        if folder:
            trainer.events.take(folder.events)
        return trainer


def _finite(name: str, given: object) -> float:
    value = as_scalar(given)
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number; got {short_repr(given)}")
    return float(value)


def check_folder(name: str, folder: object) -> None:
    """Raise ValueError, in one line, for an empty name of a folder."""
    if folder == "":                                                     # Path("") is the current folder
        raise ValueError(f"{name} must be the name of a folder; got ''")


@contextmanager
def new_run(start: Checkpoint, out: str | Path | None,
            make: Callable[[RunFolder | None], Trainer]) -> Iterator[Trainer]:
    """Create the run's folder, if it has one, and lock it; yield its trainer."""
    if out is None:
        yield make(None)
        return
    folder = RunFolder(user_path(out))
    with exclusive_lock(folder.path):
        folder.create(start.config.to_json())
        try:
            trainer = make(folder)
        except BaseException:                                            # no memory for it, or no cluster
            folder.undo_create()
            raise
        yield trainer


def start_of(before: Checkpoint, total_steps: int, anneal_steps: int | None, save_replay: bool) -> Checkpoint:
    """Return the first state of a run that trains an agent on; its exploration goes on if it falls with the steps."""
    explored = before.config.explored + before.global_step if _explores(before) else 0
    config = dataclasses.replace(before.config, total_steps=total_steps, anneal_steps=anneal_steps, explored=explored,
                                 save_replay=save_replay)
    return dataclasses.replace(before, config=config.share_spaces(before.config), global_step=0, seconds=0.0,
                               workers=[], target=None, mean_score=None, evaluation_score=None)


def begins_anew(before: Checkpoint) -> list[str]:
    """Return a line that says what begins anew if an agent that has been trained learns on; none for a new agent."""
    algorithm, has_statistics = before.config.algorithm, before.statistics is not None
    if not before.global_step:
        return []
    anew = {"the learning rate": True, "the entropy weight": getattr(algorithm, "entropy_share_left", 1) != 1,
            "the replay memory": algorithm.uses_replay, "the optimiser's statistics": not has_statistics}
    kept = {"the exploration": _explores(before), "the optimiser's statistics": has_statistics}
    new, old = (", ".join(name for name, holds in parts.items() if holds) for parts in (anew, kept))
    on = f"; goes on: {old}" if old else ""
    return [f"learning on after a run of {before.global_step:,} steps; begins anew: {new}{on}"]


def _explores(checkpoint: Checkpoint) -> bool:
    return hasattr(checkpoint.config.algorithm, "exploration_steps")
