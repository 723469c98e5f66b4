"""The driver's supervision, one answer at a time: parameter servers in this process, a node that says what it is told.
"""

import numpy as np
import pytest

from a3c_numba.cluster.messages import Delta, Report
from a3c_numba.cluster.nodes_status import NodesStatus
from a3c_numba.cluster.parameter_server import ParameterServer
from a3c_numba.cluster.supervisor import ClusterSupervisor
from a3c_numba.core.shared import Shared
from a3c_numba.runs.event_log import EventLog
from a3c_numba.training.limits import Limits
from a3c_numba.training.trainer import initial_checkpoint
from tests.cluster.local_engine import Actor
from tests.programs import small

START = initial_checkpoint(small("Catch", hidden=8))
SIZE = len(START.theta)


class SaidNode:
    """A node that reports ``said``."""

    def __init__(self):
        self.said = Report(joined=0)

    def report(self):
        return self.said

    def stop(self):
        self.said = self.said._replace(finished=True)


class Engine:
    """Calls are made at the next look, in order; answers to the methods in ``late`` do not come."""

    def __init__(self, shards):
        self.servers = [Actor(lambda: ParameterServer(10)) for _ in range(shards)]
        self.nodes = [Actor(SaidNode)]
        self.late = set()

    def wait(self, references, seconds):
        for reference in references:
            if not hasattr(reference, "answer"):
                reference.answer = reference.get()
        return [reference for reference in references if reference.name not in self.late]

    def answer(self, reference):
        return reference.answer

    def close(self):
        pass


class Clock:
    """A hundredth of a second passes with each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.01
        return self.now


class Driver:
    """A supervisor whose parameter servers have their first theta."""

    def __init__(self, shards=1):
        self.engine, self.clock, self.events, self.serial = Engine(shards), Clock(), EventLog(), 0
        status = NodesStatus(Shared(SIZE, 1), 1, 1, 0.0)
        self.supervisor = ClusterSupervisor(self.engine, status, START, Limits(), self.events, self.clock)
        self.poll(3)

    def poll(self, times=2):
        for _ in range(times):
            self.clock.now += 1
            self.supervisor.poll(0)

    def learn(self, steps=5, shard=0, version=0):
        """Hand in a delta of so many steps."""
        server, self.serial = self.engine.servers[shard].object, self.serial + 1
        return server.exchange(Delta(np.ones_like(server.state.theta), version, steps, "node", self.serial))

    def report(self, **said):
        self.engine.nodes[0].object.said = Report(**{"joined": 0, "counts": np.zeros((1, 4), int),
                                                     "gauges": np.zeros((1, 3)), **said})
        self.poll()


def test_a_restarted_server_is_sent_its_own_last_t():
    """The node's T holds 70 steps that it will hand in; they must not count twice."""
    driver = Driver()
    server = driver.engine.servers[0]
    driver.learn(30)
    driver.report(global_step=100)
    server.restart()
    driver.poll()
    assert server.object.state.global_step == 30
    assert driver.supervisor.status.shared.global_step() == 100
    driver.learn(70)
    assert server.object.state.global_step == 100


def test_a_restarted_server_knows_the_deltas_of_its_snapshot():
    driver = Driver(shards=2)
    driver.learn(30, shard=1)
    driver.clock.now += 60
    driver.poll()
    server = driver.engine.servers[1]
    server.restart()
    driver.poll()
    driver.serial -= 1
    driver.learn(30, shard=1)                                            # once more: its reply was lost
    assert np.array_equal(server.object.state.theta, START.theta[driver.supervisor.slices[1]] + 1)


def test_restarts_of_a_node_that_was_lost_still_count():
    driver = Driver()
    driver.report(restarts=3)
    driver.report(joined=-1)
    driver.report(joined=1, restarts=2)
    assert driver.supervisor.restarts == 5


def test_an_outage_is_one_event_and_its_end_another():
    driver = Driver()
    for seconds in (0.0, 3.0, 0.0, 11.0, 12.5, 80.0, 0.0, 0.0):
        driver.report(unreached=seconds)
    assert driver.events.sentences() == ["node 0 has reached no parameter server for 11 s, and trains on alone",
                                         "node 0 has reached the parameter server again"]
    driver.report(unreached=20.0)
    assert [event.kind for event in driver.events.drain()][2:] == ["node alone"]


@pytest.mark.parametrize("late", [set(), {"snapshot"}])
def test_the_last_snapshot_holds_the_last_deltas(late):
    """Also if one was under way from before them."""
    driver = Driver(shards=2)
    driver.engine.late = late
    driver.clock.now += 60
    driver.poll()
    for shard in range(2):
        driver.learn(7 * (shard == 0), shard)
    driver.report(finished=True)
    driver.engine.late = set()
    driver.supervisor.stop()
    assert driver.supervisor.state.global_step == driver.supervisor.status.shared.global_step() == 7
    assert np.allclose(driver.supervisor.state.theta, START.theta + 1)
    assert np.array_equal(driver.supervisor.status.shared.theta, driver.supervisor.state.theta)


def test_discarded_deltas_of_all_shards_and_restarts_count():
    """Two of a server that is then restarted, one of it afterwards, one of the other, and one just before the end."""
    driver = Driver(shards=2)
    driver.learn(version=-99)
    driver.learn(version=-99)
    driver.poll()
    driver.engine.servers[0].restart()
    driver.poll(3)
    for shard in range(2):
        driver.learn(shard=shard, version=-99)
    driver.poll()
    assert driver.supervisor.refused == 4
    driver.engine.late = {"counts"}
    driver.poll()
    driver.learn(shard=1, version=-99)
    driver.report(finished=True)
    driver.engine.late = set()
    driver.supervisor.stop()
    assert driver.events.sentences()[-1].endswith(": 5 of the parts of the nodes' deltas")
