"""A node before it trains: what it reports."""

import pytest

from a3c_numba.cluster.node import Node
from a3c_numba.cluster.parameter_server import ParameterServer


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
