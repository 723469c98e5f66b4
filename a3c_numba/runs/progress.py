"""The progress of a run at one moment: progress bars show it, callbacks get it, progress.csv holds it."""

from typing import NamedTuple

WINDOW = 100                    # finished episodes, whose mean is a run's mean score


class Progress(NamedTuple):
    """The progress of a run; also a row of progress.csv."""

    seconds: float              # of training, wall clock
    global_step: int            # agent steps of all workers
    steps_per_second: float     # since the row before
    episodes: int               # finished so far
    mean_score: float           # of the last 100 finished episodes, unclipped; nan before the first
    entropy: float              # of the policy, nats, mean over the workers' latest rollouts
    value: float                # mean V(s) of the workers' latest rollouts
    gradient_norm: float        # before clipping, mean over the workers' latest rollouts
    learning_rate: float
    updates: int                # made since this process started, those skipped included
    skipped: int                # updates skipped because the gradient was not finite
    workers: int                # running
    restarts: int               # workers replaced since this process started
