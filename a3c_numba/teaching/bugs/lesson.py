"""A lesson: a bug, the toy that makes it visible, the two curves to look at, and the answer."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ...config import Config
from .bug import Bug
from .trial import BINS, Record, run_in_process

Curve = Callable[[Record], np.ndarray]      # -> (BINS,), nan for bins without a value


@dataclass(frozen=True)
class Gauge:
    """A number that is drawn along a run, and its label."""

    label: str
    curve: Curve


@dataclass(frozen=True)
class Lesson:
    """One of the eight lessons.

    Attributes:
        name: the bug's name, which is the answer.
        symptom: one line for the list; it does not reveal the answer.
        bug: the lines that change.
        config: toy, method and steps.
        gauges: the two numbers to look at.
        text: what the mistake is, what the curves show, why no error is raised, how to detect it.
        tests: node ids of the tests that catch it.
        trial: the function that makes a run.
    """

    name: str
    symptom: str
    bug: Bug
    config: Config
    gauges: tuple[Gauge, Gauge]
    text: str
    tests: tuple[str, ...]
    trial: Callable[[Config], Record] = run_in_process

    def record(self, seed: int, steps: int | None, broken: bool) -> Record:
        """Make one run of ``steps`` agent steps, or of the lesson's number of steps."""
        config = replace(self.config, seed=seed, total_steps=steps or self.config.total_steps)
        with self.bug.injected() if broken else nullcontext():
            return self.trial(config)


def _without_jackpots(record: Record) -> np.ndarray:
    ordinary = record.episodes[record.episodes[:, 2] <= record.episodes[:, 3]]
    return record.binned(*ordinary.T[1:3])


def _microseconds(record: Record) -> np.ndarray:
    """Return medians: the first update loads the kernels, and other programs disturb some of the rest."""
    T, steps, _, _, _, spent = record.updates.T
    places = record.places(T)
    return np.array([np.median(1e6 * (spent / steps)[places == k]) if k in places else np.nan for k in range(BINS)])


def _played_before(record: Record) -> np.ndarray:
    """Return the share of episodes of workers 1, 2, ... that are as long as worker 0's of the same number."""
    workers, T, _, lengths = record.episodes.T
    first, rest = lengths[workers == 0], []
    for worker in range(1, int(workers.max(initial=0)) + 1):
        own = np.flatnonzero(workers == worker)[:len(first)]
        both = T[own] + 0 * first[:len(own)]                             # nan if either is unread
        rest += list(zip(both, lengths[own] == first[:len(own)]))
    return record.binned(*np.array(rest, np.float64).reshape(-1, 2).T)


SCORE = Gauge("score of a game", lambda record: record.binned(*record.episodes.T[1:3]))
ORDINARY_SCORE = Gauge("score of a game without a jackpot", _without_jackpots)
ENTROPY = Gauge("entropy of the policy (nats)", lambda record: record.binned(*record.updates.T[[0, 2]]))
VALUE = Gauge("V, the value that the network gives to states", lambda record: record.binned(*record.updates.T[[0, 3]]))
MICROSECONDS = Gauge("CPU time of a step (microseconds)", _microseconds)
PLAYED_BEFORE = Gauge("share of games as long as worker 0's of the same number", _played_before)
