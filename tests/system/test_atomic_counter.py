"""Several processes add to one number: nothing is lost, and each multiple is crossed by exactly one of them."""

import numpy as np
import pytest

from a3c_numba.core.shared import Shared
from a3c_numba.system.atomic_counter import fetch_add
from a3c_numba.system.shared_memory import ArraySpec, SharedArrays
from tests.processes import together

PROCESSES, ADDITIONS, INTERVAL = 3, 99_000, 7


def add_many(number, memory):
    """Add 1, 2, 3, 1, 2, 3 ...; return the multiples that were crossed, and what was there before each addition."""
    (words,), before, crossed = memory.arrays(), [], []
    for k in range(ADDITIONS):
        n = (k + number) % 3 + 1
        before.append(fetch_add(words, n))
        crossed += [m for m in range(before[-1] + 1, before[-1] + n + 1) if m % INTERVAL == 0]
    return crossed, before


def advance_many(number, shared):
    """The same through ``Shared.advance``, one step at a time."""
    return [shared.advance(1) for _ in range(ADDITIONS // 10)]


def run(target, memory):
    """What each process returns; all begin at once."""
    fetch_add(np.zeros(1, np.int64), 0)                                  # compiled before, or loaded
    return together(target, [(number, memory) for number in range(PROCESSES)])


def test_no_count_is_lost_and_each_multiple_is_crossed_once():
    memory = SharedArrays([ArraySpec(np.int64, (8,))])
    words, = memory.arrays()
    words[1:] = 77
    sent = run(add_many, memory)
    total = PROCESSES * ADDITIONS * 2
    np.testing.assert_array_equal(words, [total, 77, 77, 77, 77, 77, 77, 77])
    multiples = sorted(m for crossed, _ in sent for m in crossed)
    assert multiples == list(range(INTERVAL, total + 1, INTERVAL))
    for _, before in sent:
        assert before == sorted(before)
    starts = sorted(step for _, before in sent for step in before)
    assert len(set(starts)) == len(starts) and starts[0] == 0
    handovers = sum(np.any(np.diff(before) > 3) for _, before in sent)
    assert handovers > 0, "the processes never met: the test shows nothing"


def test_advance_tells_each_worker_steps_of_its_own():
    shared = Shared(4, PROCESSES)
    sent = run(advance_many, shared)
    assert sorted(step for steps in sent for step in steps) == list(range(PROCESSES * ADDITIONS // 10))
    assert shared.global_step() == PROCESSES * ADDITIONS // 10


@pytest.mark.kernel
@pytest.mark.parametrize("start, n", [(0, 5), (2**40, 3), (-7, 7), (5, -5), (9, 0)])
def test_by_hand(start, n):
    words = np.array([start, 99], np.int64)
    assert fetch_add(words, n) == start
    np.testing.assert_array_equal(words, [start + n, 99])


def test_an_addition_of_0_writes_nothing_without_the_compiler(monkeypatch):
    """A reader adds 0, and an ordinary addition of it would undo a writer's."""
    monkeypatch.setattr("a3c_numba.system.atomic_counter.config.DISABLE_JIT", True)
    words = np.array([5])
    words.flags.writeable = False
    assert fetch_add(words, 0) == 5
