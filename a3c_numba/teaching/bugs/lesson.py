"""A lesson: a bug, the toy on which it shows, what is to be seen there, and the answer."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ...config import Config
from .bug import Bug
from .trial import BINS, Record, in_this_process

Curve = Callable[[Record], np.ndarray]      # -> (BINS,), nan where there is nothing


@dataclass(frozen=True)
class Gauge:
    """A number along a run, and what it is called."""

    label: str
    curve: Curve


@dataclass(frozen=True)
class Lesson:
    """One of the eight.

    Attributes:
        name: of the bug: the answer.
        symptom: one line for the list, which does not give it away.
        bug: the lines.
        config: toy, method and steps.
        gauges: two numbers to look at.
        text: what people write, what the curves show, why nothing complains, how to notice.
        tests: node ids of the tests that catch it.
        trial: how a run is made.
    """

    name: str
    symptom: str
    bug: Bug
    config: Config
    gauges: tuple[Gauge, Gauge]
    text: str
    tests: tuple[str, ...]
    trial: Callable[[Config], Record] = in_this_process

    def record(self, seed: int, steps: int | None, broken: bool) -> Record:
        """One run, of ``steps`` agent steps or as many as the lesson has."""
        config = replace(self.config, seed=seed, total_steps=steps or self.config.total_steps)
        with self.bug.injected() if broken else nullcontext():
            return self.trial(config)


def _mean_of(column: int) -> Curve:
    return lambda record: record.binned(record.updates[:, 0], record.updates[:, column])


def _scores(record: Record) -> np.ndarray:
    return record.binned(record.episodes[:, 1], record.episodes[:, 2])


def _without_jackpots(record: Record) -> np.ndarray:
    ordinary = record.episodes[record.episodes[:, 2] <= record.episodes[:, 3]]
    return record.binned(ordinary[:, 1], ordinary[:, 2])


def _microseconds(record: Record) -> np.ndarray:
    """Medians: the first update loads the kernels, and other programs disturb some."""
    T, steps, _, _, _, spent = record.updates.T
    places = record.places(T)
    return np.array([np.median(1e6 * (spent / steps)[places == k]) if k in places else np.nan for k in range(BINS)])


def _played_before(record: Record) -> np.ndarray:
    """Which of the episodes of workers 1, 2, ... are as long as the one of worker 0 with the same number."""
    workers, T, _, lengths = record.episodes.T
    first, rest = lengths[workers == 0], []
    for worker in range(1, int(workers.max(initial=0)) + 1):
        own = np.flatnonzero(workers == worker)[:len(first)]
        both = T[own] + 0 * first[:len(own)]                             # nan where either is unread
        rest += list(zip(both, lengths[own] == first[:len(own)]))
    return record.binned(*np.array(rest, np.float64).reshape(-1, 2).T)


SCORE = Gauge("score of a game", _scores)
ORDINARY_SCORE = Gauge("score of a game without a jackpot", _without_jackpots)
ENTROPY = Gauge("entropy of the policy (nats)", _mean_of(2))
VALUE = Gauge("V, the value that the network gives to states", _mean_of(3))
MICROSECONDS = Gauge("CPU time of a step (microseconds)", _microseconds)
PLAYED_BEFORE = Gauge("share of games as long as worker 0's of the same number", _played_before)
