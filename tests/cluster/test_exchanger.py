"""The exchange of deltas against a straight-line NumPy run, and what a parameter server refuses."""

import pickle
import threading

import numba
import numpy as np
import pytest

from a3c_numba import A3C, NStepQ
from a3c_numba.cluster.exchanger import Exchanger, ExchangeThread, add_in_place
from a3c_numba.cluster.messages import Delta, State
from a3c_numba.cluster.parameter_server import ParameterServer
from a3c_numba.cluster.shards import SharedSlice, joined, part_of, slices
from a3c_numba.core.shared import Shared
from tests.promises import until

SIZE = 7
RNG = np.random.default_rng(0)


def vector(size=SIZE):
    return RNG.normal(size=size).astype(np.float32)


class Machine:
    """A node without workers: its vectors, and an exchanger for each parameter server."""

    def __init__(self, servers, algorithm=A3C(), link=lambda server: server):
        parts = [server.join() for server in servers]
        start, target = joined(parts), algorithm.uses_target_network
        self.shared = Shared(SIZE, 1, has_target=target)
        self.shared.load(start.theta, start.statistics, start.target)
        self.shared.resume_at(start.global_step)
        self.exchangers = [Exchanger(SharedSlice(self.shared, part), link(server), state, algorithm)
                           for part, server, state in zip(slices(SIZE, len(servers)), servers, parts)]

    def work(self, change, steps):
        self.shared.theta += change
        self.shared.advance(steps)

    def exchange(self):
        return [exchanger.exchange() for exchanger in self.exchangers]


def servers_with(theta, shards=1, max_staleness=10, **state):
    servers = [ParameterServer(max_staleness) for _ in range(shards)]
    for server, part in zip(servers, slices(len(theta), shards)):
        server.load(part_of(State(theta, **state), part))
    return servers


class Between:
    """A link to a parameter server; ``meanwhile`` is called while the reply is under way."""

    def __init__(self, server, meanwhile=lambda: None, broken=lambda: False):
        self.server, self.meanwhile, self.broken = server, meanwhile, broken

    def exchange(self, delta):
        if self.broken():
            raise ConnectionError("lost")
        reply = self.server.exchange(delta)
        self.meanwhile()
        return reply

    def load(self, state):
        if self.broken():
            raise ConnectionError("lost")
        self.server.load(state)


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_exchanges_are_those_of_a_straight_line_run(shards):
    """Three nodes take turns at random; each line of the rule is written out once more, in one vector."""
    centre, total = vector(), 1000
    servers = servers_with(centre, shards, 100, global_step=total)
    machines = [Machine(servers) for _ in range(3)]
    theta, base = [centre.copy() for _ in machines], [centre.copy() for _ in machines]
    step, base_step = [total] * 3, [total] * 3
    for _ in range(60):
        number = int(RNG.integers(3))
        change, steps = vector(), int(RNG.integers(1, 9))
        machines[number].work(change, steps)
        theta[number] += change
        step[number] += steps
        if RNG.random() < 0.5:
            assert machines[number].exchange() == [True] * shards
            s = theta[number].copy()
            centre = centre + (s - base[number])
            total += step[number] - base_step[number]
            theta[number] += centre - s
            base[number], base_step[number], step[number] = centre.copy(), total, total
        for machine, expected, reached in zip(machines, theta, step):
            assert np.array_equal(machine.shared.theta, expected) and machine.shared.global_step() == reached
    last = joined([server.snapshot() for server in servers])
    assert np.array_equal(last.theta, centre) and last.global_step == total


def test_what_workers_add_meanwhile_stays_and_is_sent_next():
    servers = servers_with(np.zeros(SIZE, np.float32))
    extra = vector()
    machine = Machine(servers, link=lambda server: Between(server, lambda: machine.work(extra, 5)))
    machine.work(1, 3)
    machine.exchange()
    assert np.array_equal(machine.shared.theta, 1 + extra) and machine.shared.global_step() == 8
    assert np.array_equal(servers[0].snapshot().theta, np.ones(SIZE)) and servers[0].counts().global_step == 3
    machine.exchange()
    assert np.allclose(servers[0].snapshot().theta, 1 + extra) and servers[0].counts().global_step == 8


@numba.njit(nogil=True)
def count_up(theta, times):
    for _ in range(times):
        for i in range(theta.size):
            theta[i] += np.float32(1)


def test_the_addition_loses_hardly_an_update():
    """A worker beside it loses 1 in 70,000 (two workers of each other: 1 in 40,000); theta + change, copied: a half."""
    theta, times = np.zeros(100_000, np.float32), 1000
    count_up(theta[:1].copy(), 1)                                        # compile
    worker = threading.Thread(target=count_up, args=(theta, times))
    worker.start()
    while worker.is_alive():
        add_in_place(theta, np.zeros_like(theta))
    assert np.mean(theta, dtype=np.float64) > 0.99 * times


def test_a_failed_call_changes_nothing_and_loses_nothing():
    lost = [True]
    servers = servers_with(np.zeros(SIZE, np.float32))
    machine = Machine(servers, link=lambda server: Between(server, broken=lambda: lost[0]))
    machine.work(1, 3)
    assert machine.exchange() == [False] and machine.exchangers[0].unreached_since
    assert np.array_equal(machine.shared.theta, np.ones(SIZE)) and machine.shared.global_step() == 3
    lost[0] = False
    machine.work(1, 3)
    assert machine.exchange() == [True] and machine.exchangers[0].unreached_since is None
    assert np.array_equal(servers[0].snapshot().theta, np.full(SIZE, 2)) and servers[0].counts().global_step == 6


class Late:
    """A link whose server takes up each delta; the first ``failures`` replies do not come in time."""

    def __init__(self, server, failures):
        self.server, self.failures = server, failures

    def exchange(self, delta):
        reply = self.server.exchange(delta)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no reply in time")
        return reply


def test_a_delta_whose_reply_is_late_is_taken_up_once():
    """Work goes on between the calls, of this node and of another; each interval counts once."""
    servers = servers_with(np.zeros(SIZE, np.float32), shards=2)
    machine, other = Machine(servers, link=lambda server: Late(server, 3)), Machine(servers)
    for change in (1, 2, 4):
        machine.work(change, change)
        assert machine.exchange() == [False, False]
        other.work(10, 10)
        other.exchange()
    machine.work(8, 8)
    assert machine.exchange() == [True, True]
    last = joined([server.snapshot() for server in servers])
    assert np.array_equal(last.theta, np.full(SIZE, 45)) and last.global_step == 45
    assert np.array_equal(machine.shared.theta, last.theta) and machine.shared.global_step() == 45
    assert servers[0].counts().accepted == 5                             # three of them the other's


def test_a_server_restarted_from_a_snapshot_knows_its_deltas():
    server = servers_with(np.zeros(SIZE, np.float32))[0]
    delta = Delta(np.ones(SIZE, np.float32), 0, 5, "node", 1)
    server.exchange(delta)
    again = ParameterServer(10)
    again.load(pickle.loads(pickle.dumps(server.snapshot())))
    reply = again.exchange(delta)                                        # since the reply to the first was lost
    assert (reply.theta == 1).all() and (reply.version, reply.global_step) == (1, 5)


def test_what_was_learned_in_an_outage_is_as_old_as_its_base():
    """After an outage of one node both deltas are too old, also the one that is made when the first is answered."""
    broken = [True]
    servers = servers_with(np.zeros(SIZE, np.float32), max_staleness=2)
    slow, quick = Machine(servers, link=lambda server: Between(server, broken=lambda: broken[0])), Machine(servers)
    slow.work(100, 1)
    slow.exchange()
    slow.work(100, 1)
    for _ in range(3):
        quick.exchange()
    broken[0] = False
    slow.exchange()
    assert servers[0].counts().refused == 2 and not slow.shared.theta.any()
    slow.work(1, 1)
    slow.exchange()
    assert servers[0].counts().refused == 2 and servers[0].snapshot().theta.all()


def test_a_delta_too_old_is_discarded_but_its_steps_count():
    servers = servers_with(np.zeros(SIZE, np.float32), max_staleness=2)
    slow, quick = Machine(servers), Machine(servers)
    slow.work(100, 7)
    for _ in range(3):
        quick.work(1, 1)
        quick.exchange()
    slow.exchange()
    counts = servers[0].counts()
    assert (counts.accepted, counts.refused, counts.global_step) == (3, 1, 10)
    assert np.array_equal(slow.shared.theta, np.full(SIZE, 3)) and slow.shared.global_step() == 10
    slow.work(1, 1)
    slow.exchange()
    assert np.array_equal(servers[0].snapshot().theta, np.full(SIZE, 4))


def test_a_delta_of_exactly_the_largest_staleness_is_accepted():
    servers = servers_with(np.zeros(SIZE, np.float32), max_staleness=2)
    slow, quick = Machine(servers), Machine(servers)
    slow.work(1, 1)
    for _ in range(2):
        quick.exchange()
    slow.exchange()
    assert servers[0].counts().refused == 0 and np.array_equal(servers[0].snapshot().theta, np.ones(SIZE))


def test_a_node_that_joins_is_handed_g_and_the_centre():
    servers = servers_with(np.zeros(SIZE, np.float32), shards=2)
    first = Machine(servers)
    first.work(1, 5)
    first.shared.statistics[:] = np.arange(SIZE)
    first.exchange()
    second = Machine(servers)
    assert np.array_equal(second.shared.statistics, np.arange(SIZE)) and second.shared.global_step() == 5
    assert np.array_equal(second.shared.theta, np.ones(SIZE)) and servers[0].counts().joined == 2


def test_others_steps_that_cross_i_target_renew_the_target():
    servers = servers_with(np.zeros(SIZE, np.float32), shards=2)
    machines = [Machine(servers, NStepQ(target_interval=10)) for _ in range(2)]
    machines[0].work(1, 12)
    machines[0].exchange()
    machines[1].work(2, 3)
    assert not machines[1].shared.target.any()
    machines[1].exchange()
    assert machines[1].shared.global_step() == 15 and machines[1].shared.target.all()


def test_an_empty_server_is_no_server():
    """One that Ray has restarted has no theta; a node goes on alone until a state is loaded."""
    server, = servers = servers_with(np.zeros(SIZE, np.float32))
    machine = Machine(servers)
    state = server.snapshot()
    server.state = None
    machine.work(1, 3)
    assert machine.exchange() == [False] and server.join() is None and not server.counts().ready
    server.load(state._replace(theta=np.full(SIZE, 5, np.float32)))
    machine.exchange()
    assert np.array_equal(machine.shared.theta, np.full(SIZE, 6)) and machine.shared.global_step() == 3


def test_publishing_replaces_the_centre_to_the_bit():
    servers = servers_with(vector(), shards=2)
    machine = Machine(servers)
    for _ in range(20):
        machine.work(vector() * 1e-3, 3)
    assert all([exchanger.publish() for exchanger in machine.exchangers])
    last = joined([server.snapshot() for server in servers])
    assert np.array_equal(last.theta, machine.shared.theta) and last.global_step == 60 and last.joined == 1


@pytest.mark.parametrize("theta, words", [
    (np.zeros(SIZE), "float32"), (np.zeros(SIZE + 1, np.float32), r"\(8,\)"), (np.zeros((1, SIZE), np.float32), "1, 7"),
    (np.full(SIZE, np.nan, np.float32), "not finite"), (np.full(SIZE, np.inf, np.float32), "not finite")])
def test_a_delta_that_fits_nothing_is_refused_in_one_line(theta, words):
    server, = servers_with(np.zeros(SIZE, np.float32))
    with pytest.raises(ValueError, match=words) as raised:
        server.exchange(Delta(theta, 0, 3, "node", 1))
    assert "\n" not in str(raised.value) and server.counts()[:3] == (True, 0, 0)
    assert not server.snapshot().theta.any()


def test_a_server_copies_what_it_is_given():
    """Ray's arrays are read-only, and a state that is handed out must not change."""
    theta = np.zeros(SIZE, np.float32)
    theta.flags.writeable = False
    server, = servers_with(theta)
    before = server.snapshot()
    server.exchange(Delta(np.ones(SIZE, np.float32), 0, 1, "node", 1))
    assert not before.theta.any() and server.snapshot().theta.all()


@pytest.mark.parametrize("shards", [0, SIZE + 1])
def test_more_shards_than_numbers_are_refused(shards):
    with pytest.raises(ValueError, match="shards"):
        slices(SIZE, shards)


def test_slices_cover_all_numbers_once():
    for shards in range(1, SIZE + 1):
        covered = np.concatenate([np.arange(SIZE)[part] for part in slices(SIZE, shards)])
        assert np.array_equal(covered, np.arange(SIZE))


def test_the_thread_exchanges_after_so_many_updates():
    servers = servers_with(np.zeros(SIZE, np.float32))
    machine, made = Machine(servers), [0]
    thread = ExchangeThread(machine.exchangers, lambda: made[0], 4)
    thread.start()
    machine.work(1, 1)
    made[0] = 3
    assert not thread.ended.wait(0.05) and servers[0].counts().accepted == 0
    made[0] = 4
    until(lambda: servers[0].counts().accepted == 1)
    machine.work(1, 1)
    thread.stop()
    assert not thread.is_alive() and np.array_equal(servers[0].snapshot().theta, np.full(SIZE, 2))


def test_the_thread_ends_with_a_delta_that_is_not_finite():
    servers = servers_with(np.zeros(SIZE, np.float32))
    machine, made = Machine(servers), [0]
    thread = ExchangeThread(machine.exchangers, lambda: made[0], 4)
    thread.start()
    machine.work(np.nan, 1)
    made[0] = 4
    until(lambda: thread.failure)
    with pytest.raises(ValueError, match="not finite"):
        thread.stop()


@pytest.mark.parametrize("every", [4, 0])
def test_the_last_delta_is_tried_again(every, monkeypatch):
    monkeypatch.setattr("a3c_numba.cluster.exchanger.HAND_IN_SECONDS", 0.5)
    broken = [True, True, True]
    servers = servers_with(np.zeros(SIZE, np.float32))
    machine = Machine(servers, link=lambda server: Between(server, broken=lambda: broken and broken.pop()))
    thread = ExchangeThread(machine.exchangers, lambda: 0, every)
    thread.start()
    machine.work(1, 3)
    thread.stop()
    assert servers[0].snapshot().theta.all() and servers[0].counts().global_step == 3
    assert not broken and thread.unreached() == 0.0


def test_a_server_that_stays_away_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("a3c_numba.cluster.exchanger.HAND_IN_SECONDS", 0.1)
    servers = servers_with(np.zeros(SIZE, np.float32))
    machine = Machine(servers, link=lambda server: Between(server, broken=lambda: True))
    thread = ExchangeThread(machine.exchangers, lambda: 0, 4)
    thread.start()
    thread.stop()
    assert 0.1 <= thread.unreached() < 10
