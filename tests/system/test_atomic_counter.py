"""Several processes add to one number: nothing is lost, and each multiple is crossed by exactly one of them."""

import multiprocessing

import numpy as np
import pytest

from a3c_numba.core.shared import Shared
from a3c_numba.system.atomic_counter import fetch_add
from tests.promises import PATIENCE

CONTEXT = multiprocessing.get_context("spawn")
PROCESSES, ADDITIONS, INTERVAL = 3, 99_000, 7


def add_many(number, raw, gate, pipe):
    """Add 1, 2, 3, 1, 2, 3 ...; send the multiples that were crossed, and what was there before each addition."""
    words, before, crossed = np.frombuffer(raw, np.int64), [], []
    fetch_add(words, 0)                                                  # compile, or load, before anybody begins
    gate.wait()
    for k in range(ADDITIONS):
        n = (k + number) % 3 + 1
        before.append(fetch_add(words, n))
        crossed += [m for m in range(before[-1] + 1, before[-1] + n + 1) if m % INTERVAL == 0]
    pipe.send((crossed, before))


def advance_many(number, shared, gate, pipe):
    """The same through ``Shared.advance``, one step at a time."""
    gate.wait()
    pipe.send([shared.advance(1) for _ in range(ADDITIONS // 10)])


def run(target, memory):
    """What each process sends; all begin at once."""
    gate, children, pipes = CONTEXT.Barrier(PROCESSES), [], []
    for number in range(PROCESSES):
        pipe, theirs = CONTEXT.Pipe(duplex=False)
        children.append(CONTEXT.Process(target=target, args=(number, memory, gate, theirs), daemon=True))
        pipes.append(pipe)
    for child in children:
        child.start()
    try:
        assert all(pipe.poll(PATIENCE) for pipe in pipes), "a process sent nothing"
        return [pipe.recv() for pipe in pipes]
    finally:
        for child in children:
            child.join(10)


def test_no_count_is_lost_and_each_multiple_is_crossed_once():
    raw = CONTEXT.RawArray("q", 8)
    words = np.frombuffer(raw, np.int64)
    words[1:] = 77
    sent = run(add_many, raw)
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
