"""What lock-free means for the numbers: no word is torn, an update can be lost, and how many are is measured.

``python -m pytest -n0 -s -m faults tests/faults/test_lock_free.py`` prints the shares.  Every writer is a process of
its own and runs the package's own kernel.  What it writes is chosen so that each number tells what became of it:

- with g at its fixed point, every update by d = 1 moves an element one place down a sequence that is known beforehand;
- with alpha = 0 and epsilon = 1 such an update adds 1, or where a processor estimates 1 / sqrt(1) a number next to it;
- with one_less_alpha = p and d = 1 it writes the very bits of p into g.
"""

import time

import numpy as np
import pytest

from a3c_numba.core.optimizers import RMSProp, rmsprop
from a3c_numba.core.shared import Shared
from a3c_numba.system import worker_server
from a3c_numba.system.channel import Channel
from a3c_numba.system.shared_memory import ArraySpec, SharedArrays
from a3c_numba.system.whole_words import copied_words, copy_words
from tests.promises import PATIENCE, Late, undisturbed, until

pytestmark = pytest.mark.faults

SIZES = {"tiny": 16, "the paper's network": 677_000}
SMALL = 1000                   # elements that one call of a processor's byte copy takes
UPDATES = {16: 30_000, SMALL: 1, 677_000: 200}               # of each writer
REST = 8                       # updates' worth of other work between two: what the paper's preset does on a game
WRITERS = (1, 2, 4)
BYTES = (0x3F, 0x40, 0x41, 0x42)                   # all four bytes of a word are one of these
ZERO, ONE = np.float32(0), np.float32(1)
STEP = RMSProp(learning_rate=1e-3, max_gradient_norm=1e9)


def pattern(k):
    """The float32 whose four bytes are BYTES[k]."""
    return np.frombuffer(bytes([BYTES[k]] * 4), np.float32)[0]


PATTERNS = np.array([pattern(k) for k in range(max(WRITERS))])


class Own:
    """What a writer has for itself, d = 1 throughout."""

    def __init__(self, n):
        self.theta, self.g, self.local, self.d = np.zeros((4, n), np.float32)

    def add_one(self, theta, g, d=ONE):
        """theta += d and g <- 0 by the package's kernel: theta - (-1) d / sqrt(0 + 1), with d 1 or -1."""
        self.d[:] = d
        rmsprop.update(theta, g, self.d, self.local, -ONE, ZERO, ZERO, ONE)

    def train(self, theta, g):
        """One update of RMSProp as it trains."""
        self.d[:] = ONE
        STEP.update(theta, g, self.d, self.local, STEP.learning_rate)

    def stamp(self, g, p):
        """Every word of g <- p by the package's kernel, theta as it was."""
        self.d[:] = ONE
        rmsprop.update(self.theta, g, self.d, self.local, ZERO, ZERO, p, ONE)

    def rest(self, times):
        """Work on memory of one's own that takes as long as that many updates."""
        for _ in range(times):
            self.add_one(self.theta, self.g)


def add(shared, number, own, updates, rest):
    """That many additions of one; T as it was before each."""
    before = np.empty(updates, np.int64)
    for k in range(updates):
        own.add_one(shared.theta, shared.statistics)
        before[k] = shared.advance(1)
        own.rest(rest)
    return before


def add_or_subtract(shared, number, own, updates, rest):
    """That many additions of 1 if the writer's number is even, of -1 if it is odd; T as it was before each."""
    before = np.empty(updates, np.int64)
    for k in range(updates):
        own.add_one(shared.theta, shared.statistics, -ONE if number % 2 else ONE)
        before[k] = shared.advance(1)
        own.rest(rest)
    return before


def train(shared, number, own, updates, rest):
    """That many updates of RMSProp; T as it was before each."""
    before = np.empty(updates, np.int64)
    for k in range(updates):
        own.train(shared.theta, shared.statistics)
        before[k] = shared.advance(1)
    return before


def stamp(shared, number, own, updates, rest):
    """This writer's pattern into the statistics, by the kernel, and into the target, as theta- is renewed.

    Returns how often the target, copied at once, has a word that nobody wrote.
    """
    full, torn = np.full(len(shared.theta), pattern(number), np.float32), 0
    while not shared.clock[1]:                     # a word that has no other use
        own.stamp(shared.statistics, pattern(number))
        copy_words(full, shared.target)
        copy = copied_words(shared.target)
        torn += bool((copy != full).any()) and not np.isin(copy, PATTERNS).all()
    return torn


def updates_of(n, rest):
    """How many updates each writer makes."""
    return UPDATES[n] // (1 + rest // 4)


def begin_together(number, writers, present, round):
    """Wait, wide awake, until all the writers of this round are."""
    (here,), deadline = present.arrays(), time.monotonic() + PATIENCE
    here[number] = round
    while here[:writers].min() < round:
        assert time.monotonic() < deadline, "a writer is missing"


def write(number, memories, present, pipe):
    """A writer: does what it is told, (function, size, writers, rest), together with the others."""
    own = {n: Own(n) for n in memories}
    for n, mine in own.items():                    # compile, or load, before anybody waits
        mine.rest(1)
        mine.train(np.zeros(n, np.float32), np.ones(n, np.float32))
    pipe.send("ready")
    for function, n, writers, rest, round in iter(pipe.recv, None):
        begin_together(number, writers, present, round)
        pipe.send(function(memories[n], number, own[n], updates_of(n, rest), rest))


class Writers:
    """As many processes as are ever needed; ``start`` and ``join`` set the first few of them on shared memory."""

    def __init__(self):
        self.memories = {n: Shared(n, max(WRITERS), has_target=True) for n in (*SIZES.values(), SMALL)}
        present, self.round = SharedArrays([ArraySpec(np.int64, (max(WRITERS),))]), 0
        self.pipes, self.processes, self.busy = [], [], []
        for number in range(max(WRITERS)):
            ours, theirs = Channel.pair()
            with theirs:
                process = worker_server.start(write, number, self.memories, present, theirs)
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def start(self, function, n, writers, rest=0):
        """Set theta and T to 0, g to 1, and the writers on them; returns the memory."""
        shared = self.memories[n]
        shared.theta[:], shared.statistics[:], shared.target[:], shared.clock[:] = 0, 1, 0, 0
        self.busy, self.round = self.pipes[:writers], self.round + 1
        for pipe in self.busy:
            pipe.send((function, n, writers, rest, self.round))
        return shared

    def join(self):
        """Wait until all have written; returns what each of them says."""
        assert all(pipe.poll(PATIENCE) for pipe in self.busy)
        return [pipe.recv() for pipe in self.busy]

    def close(self):
        """End the processes."""
        for pipe, process in zip(self.pipes, self.processes):
            pipe.send(None)
            process.join()


@pytest.fixture(scope="module")
def crowd():
    made = Writers()
    yield made
    made.close()


def lost_share(theta, total):
    """Of ``total`` additions of 1, those that the mean element misses; no element has more than were made."""
    numbers = np.rint(theta.astype(np.float64))
    np.testing.assert_allclose(theta, numbers, rtol=1e-6)
    assert numbers.min() >= 1 and numbers.max() <= total
    return 1 - numbers.mean() / total


def met(counts):
    """How many updates had another writer's behind the one before; every step of T is told to exactly one writer.

    Raises Late where there is more than one and they never met, as one stood still: then the test shows nothing.
    """
    assert sorted(step for before in counts for step in before) == list(range(sum(map(len, counts))))
    meetings = sum(int((np.diff(before) > 1).sum()) for before in counts)
    if len(counts) > 1 and not meetings:
        raise Late("the writers never met: the test shows nothing")
    return meetings


@pytest.mark.parametrize("name", SIZES)
@undisturbed
@pytest.mark.long
def test_how_many_updates_are_lost(tmp_path, crowd, name):
    n = SIZES[name]
    print(f"\n{name}, {n} elements:")
    for rest, how in ((0, "nothing but updates"), (REST, "as in training")):
        for writers in WRITERS:
            shared, total = crowd.start(add, n, writers, rest), writers * updates_of(n, rest)
            meetings = met(crowd.join())
            share, worst = lost_share(shared.theta, total), 1 - shared.theta.min() / total
            print(f"{how:>20}, {writers} writers, {total:6} updates, {meetings / total:6.2%} behind another's: "
                  f"{share:8.4%} lost, {worst:8.4%} at the worst element; of T's steps {total - shared.global_step()}")
            assert shared.global_step() == total                         # the atomic counter loses none
            assert 0 <= share < 1 and (writers > 1 or share == 0)
            assert (meetings > 0) == (writers > 1)


@pytest.mark.parametrize("name", SIZES)
@undisturbed
def test_updates_of_both_signs_stay_within_those_made(tmp_path, crowd, name):
    """Two writers, one of +1 and one of -1: without losses 0; each lost update moves an element by 1, up or down."""
    n = SIZES[name]
    for rest, how in ((0, "nothing but updates"), (REST, "as in training")):
        shared, each = crowd.start(add_or_subtract, n, 2, rest), updates_of(n, rest)
        met(crowd.join())
        numbers = np.rint(shared.theta.astype(np.float64)) + 0.0         # no -0
        np.testing.assert_allclose(shared.theta, numbers, atol=1e-2)
        print(f"\n{name}, {how}: {each} updates of +1 and {each} of -1 end between {numbers.min():+.0f} and "
              f"{numbers.max():+.0f}; {(numbers != 0).mean():.4%} of the elements are not 0")
        assert -each <= numbers.min() <= numbers.max() <= each           # a part of the updates, each at most once


def way(n, total):
    """The values (total + 1, 2) that the elements pass through when nothing is lost: the same updates by one writer.

    The kernel's loop takes most elements together and the last few one by one; the two round differently.
    """
    own, theta, g, values = Own(n), np.zeros(n, np.float32), np.ones(n, np.float32), [(ZERO, ZERO)]
    for _ in range(total):
        own.train(theta, g)
        assert (g == 1).all()                                            # alpha 1 + (1 - alpha) 1^2
        values.append((theta[0], theta[-1]))
        assert ((theta == theta[0]) | (theta == theta[-1])).all()
    return np.array(values)


@pytest.mark.parametrize("name", SIZES)
@undisturbed
def test_rmsprop_never_leaves_the_way_it_would_go_alone(tmp_path, crowd, name):
    """Every element, at any moment and in the end, has one of the values of a run in which nothing is lost.

    All gradients have one sign.
    """
    n, writers = SIZES[name], 2
    total = writers * UPDATES[n]
    alone = way(n, total)
    assert (alone[1:].max(axis=1) < alone[:-1].min(axis=1)).all()
    shared, seen = crowd.start(train, n, writers), []
    while not all(pipe.poll() for pipe in crowd.busy):
        seen.append(shared.theta[:16].copy())
        assert np.isin(shared.theta, alone).all() and (shared.statistics == 1).all()
    assert met(crowd.join()) > 0
    assert np.isin(shared.theta, alone).all() and np.isin(seen, alone).all() and shared.global_step() == total
    taken = np.searchsorted(-alone.min(axis=1), -shared.theta)
    print(f"\nRMSProp, {name}, 2 writers: {1 - taken.mean() / total:.3%} of {total} updates lost")
    assert 0 < taken.min() and taken.max() <= total


@pytest.mark.parametrize(("n", "seconds"), [(SMALL, 2), pytest.param(677_000, 8, marks=pytest.mark.long)])
def test_no_word_is_torn(crowd, n, seconds):
    """All four bytes of a word are one writer's, whenever it is copied; the words of a vector are not.

    With ``copy()`` in place of ``copied_words`` it fails on Intel processors that have a fast ``rep movsb``.
    """
    writers = 4
    shared, mixed, looks = crowd.start(stamp, n, writers), 0, 0
    until(lambda: shared.target.all() and (shared.statistics != 1).all())           # all has been written once
    enough, patience = time.monotonic() + seconds, time.monotonic() + PATIENCE
    while time.monotonic() < enough or (not mixed and time.monotonic() < patience):
        for vector in map(copied_words, (shared.statistics, shared.target)):
            assert np.isin(vector, PATTERNS).all()
            mixed += len(np.unique(vector)) > 1
        looks += 1
    shared.clock[1] = 1
    assert crowd.join() == [0] * writers
    print(f"\n{looks} looks at {2 * n} words: none torn, {mixed} vectors of {2 * looks} mixed")
    assert looks > 0 and mixed > 0, "the writers never met: the test shows nothing"
