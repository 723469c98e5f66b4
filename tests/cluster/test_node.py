"""What a node reports: before it trains, and of the episodes of its workers."""

from types import SimpleNamespace

import numpy as np
import pytest

from a3c_numba.cluster.node import Node
from a3c_numba.cluster.nodes_status import NodesStatus
from a3c_numba.cluster.parameter_server import ParameterServer
from a3c_numba.core.shared import Shared
from a3c_numba.training.worker_status import RING, WorkerStatus


@pytest.fixture
def waiting():
    """A node whose parameter server is empty: it waits."""
    node = Node([ParameterServer(10)], None)
    yield node
    node.stop()
    node.thread.join()


def test_a_warning_that_comes_during_a_report_is_in_the_next(waiting):
    reports = []

    def lines():
        yield "first"
        reports.append(waiting.report())
        yield "second"

    waiting.reporter.warn(lines())
    assert reports[0].warnings + waiting.report().warnings == ("first", "second")
    assert waiting.report().warnings == ()


@pytest.fixture
def training(waiting):
    """A node that seems to train with two workers, and their status."""
    status = WorkerStatus(Shared(1, 2), 2, 0.0)
    waiting.trainer = SimpleNamespace(status=status, supervisor=SimpleNamespace(alive=2, restarts=0, streams=2))
    waiting.read, waiting.exchange = np.zeros(2, np.int64), SimpleNamespace(failure="", unreached=lambda: 0.0)
    yield waiting, status
    waiting.trainer = None


def finish(status, worker, episodes):
    for _ in range(episodes):
        status.push_episode(worker, 1.0, 9)


def test_episodes_wait_for_a_driver_that_asks_rarely(training):
    node, status = training
    for _ in range(5):
        finish(status, 0, RING)
        finish(status, 1, 2)
        assert node._goes_on(None)                                       # what the trainer calls meanwhile
    report = node.report()
    assert len(report.episodes) == 5 * RING + 10 and report.counts[:, 3].tolist() == [5 * RING, 10]
    finish(status, 1, 1)
    report = node.report()
    assert [row[2] for row in report.episodes] == [1] and report.counts[:, 3].tolist() == [5 * RING, 11]


def test_the_driver_counts_episodes_that_a_full_ring_has_lost(training):
    node, status = training
    finish(status, 1, RING + 7)
    of_all, since = NodesStatus(Shared(1, 4), 2, 2, 0.0), np.zeros(4, np.int64)
    of_all.take(1, node.report()._replace(joined=0))
    assert len(of_all.new_episodes(since)) == RING and since.tolist() == [0, 0, 0, RING + 7]
    finish(status, 0, 3)
    of_all.take(1, node.report()._replace(joined=0))
    assert [row[2] for row in of_all.new_episodes(since)] == [2, 2, 2] and since.tolist() == [0, 0, 3, RING + 7]
