"""The manners of a worker's process: when its loop ends, what it sends, and how it fails."""

import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.core.shared import Shared
from a3c_numba.envs.toys import Corridor
from a3c_numba.system.subnormals import subnormals_flushed
from a3c_numba.training.worker_process import loop, main
from a3c_numba.training.worker_status import WorkerStatus
from tests.core import test_worker
from tests.core.test_worker import config_of


@pytest.fixture(autouse=True)
def register():
    """Put this thread's floating-point register back as it was: ``main`` has it flush subnormal numbers for good."""
    with subnormals_flushed():
        yield


def begun(config):
    """A worker in this process, and the status of a run that has no other."""
    worker, shared, _ = test_worker.begun(config)
    return worker, WorkerStatus(shared, 1)


class Pipe:
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)

    def peer_closed(self):
        return False


def test_the_loop_ends_at_the_last_step_and_gives_its_state():
    worker, status = begun(config_of("Catch", MLP(hidden=8), 100))
    pipe = Pipe()
    loop(worker, status, pipe)
    assert 100 <= worker.shared.global_step() < 105
    (kind, state), = pipe.sent
    assert kind == "last state" and state["steps"] == status.steps[0]
    np.testing.assert_array_equal(status.snapshot_vectors.theta, worker.shared.theta)
    np.testing.assert_array_equal(status.snapshot_vectors.statistics, worker.shared.statistics)


def test_a_workers_losses_rest_on_more_than_one_rollout(monkeypatch):
    """Of 5 rows each: all of them with no time from one sample to the next, only two with ever so much."""
    rows = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr("a3c_numba.training.worker_process.MOMENTS_SECONDS", seconds)
        worker, status = begun(config_of("Catch", MLP(hidden=8), 100))
        loop(worker, status, Pipe())
        (steps, *_), = status.moments()
        rows.append(steps)
    assert rows[0] > 50 and 5 < rows[1] <= 10


def test_the_loop_stops_when_told_and_answers_each_request_once():
    worker, status = begun(config_of("Catch", MLP(hidden=8), 100))
    pipe = Pipe()
    status.request_states()
    loop(worker, status, pipe)
    assert len(pipe.sent) == 2                                           # the request, and the end
    worker, status = begun(config_of("Catch", MLP(hidden=8), 10**9))
    status.stop()
    loop(worker, status, Pipe())
    assert status.updates[0] == 0


def broken():
    """An environment's factory that fails."""
    raise OSError("no such machine")


def test_what_goes_wrong_is_sent_as_a_traceback():
    pipe = Pipe()
    with pytest.raises(SystemExit):
        main(0, config_of(broken, MLP(), 10), WorkerStatus(Shared(1, 1), 1), np.random.SeedSequence(0), None, pipe)
    (kind, text), = pipe.sent
    assert kind == "unmade" and "no such machine" in text and "Traceback" in text


class CannotBeClosed(Corridor):
    """Its state has been sent by then."""

    def close(self):
        raise OSError("no such machine")


def test_an_environment_that_fails_in_close_spoils_nothing():
    config, pipe = config_of(CannotBeClosed, MLP(hidden=8), 10), Pipe()
    _, status = begun(config)
    main(0, config, status, np.random.SeedSequence(0), None, pipe)
    assert [kind for kind, _ in pipe.sent] == ["last state"]
