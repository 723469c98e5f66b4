"""The progress of a run at one moment: progress bars show it, callbacks get it, progress.csv holds it."""

import math
from typing import NamedTuple

EARLY = 500                     # updates, in which no layer counts as dead
DEAD = 1e-4                     # units_on, below which a layer is dead
WINDOW = 100                    # finished episodes, whose mean is a run's mean score


class Progress(NamedTuple):
    """The progress of a run; also a row of progress.csv, whose older files lack the last columns.

    Attributes:
        seconds: of training, wall clock.
        global_step: agent steps of all workers.
        steps_per_second: since the row before.
        episodes: finished so far.
        mean_score: of the last 100 finished episodes, unclipped; nan before the first.
        entropy: of the policy, nats, mean over the workers' latest rollouts.
        value: mean V(s), or max Q(s, a), of the workers' latest rollouts.
        gradient_norm: before clipping, mean over the workers' latest rollouts.
        learning_rate: at this step.
        updates: made since this process started, those skipped included.
        skipped: updates skipped because the gradient was not finite.
        workers: running.
        restarts: workers replaced since this process started.
        policy_loss: mean of -log pi(a|s) (R - V), without the entropy; nan for a value method.  This and the next three
            are of the workers together, and rest on about the last ten seconds: each worker samples an update every
            half second, and one that is s samples old weighs its rows (of a rollout, or of DQN's batch) by 0.95^s.
        value_loss: mean of (R - V)^2, for a value method of (R - Q(s, a))^2.
        explained_variance: 1 - Var(R - V) / Var(R), for a value method with Q(s, a) in place of V: 1 if V foretells the
            returns, 0 if it is no better than a constant; nan if all returns are the same.
        units_on: share of the hidden units that are above 0, of the layer with the fewest, as long a mean as the last
            three; nan without a ReLU.  At 0 a layer is dead: what is below it learns nothing any more.
    """

    seconds: float
    global_step: int
    steps_per_second: float
    episodes: int
    mean_score: float
    entropy: float
    value: float
    gradient_norm: float
    learning_rate: float
    updates: int
    skipped: int
    workers: int
    restarts: int
    policy_loss: float = math.nan
    value_loss: float = math.nan
    explained_variance: float = math.nan
    units_on: float = math.nan

    @property
    def has_dead_layer(self) -> bool:
        """Whether the units of a hidden layer are 0, as far as the mean reaches back, after the first updates."""
        return self.updates >= EARLY and self.units_on < DEAD


def news(row: Progress, evaluations: object) -> str:
    """Return what makes a row, or the latest of the evaluations, a new one: as a text, in which nan equals nan."""
    return repr((row.global_step, row.episodes, row.updates, row.policy_loss, row.value_loss, row.explained_variance,
                 getattr(evaluations, "latest", None)))


class Figures(NamedTuple):
    """The figures of an evaluation during training.

    Attributes:
        episodes: whole games, rewards not clipped.
        different: of them; an Atari game may come more than once.
        mean: score.
        standard_error: of the mean of the different games; nan if there is one.
        min, max: scores.
    """

    episodes: int
    different: int
    mean: float
    standard_error: float
    min: float
    max: float
