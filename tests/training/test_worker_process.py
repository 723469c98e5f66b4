"""The manners of a worker's process: when its loop ends, what it sends, and how it fails."""

import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.core.shared import REQUEST, STEPS, UPDATES, Shared
from a3c_numba.envs.toys import Corridor
from a3c_numba.training.worker_process import loop, main
from tests.core.test_worker import begun, config_of


class Pipe:
    """Keeps what is sent."""

    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)


def test_the_loop_ends_at_the_last_step_and_gives_its_state():
    worker, shared, _ = begun(config_of("Catch", MLP(hidden=8), 100))
    pipe = Pipe()
    loop(worker, pipe)
    assert 100 <= shared.global_step() < 105
    (kind, state), = pipe.sent
    assert kind == "last state" and state["steps"] == shared.counters[0, STEPS]
    np.testing.assert_array_equal(shared.kept.theta, shared.theta)
    np.testing.assert_array_equal(shared.kept.statistics, shared.statistics)


def test_the_loop_stops_when_told_and_answers_each_request_once():
    worker, shared, _ = begun(config_of("Catch", MLP(hidden=8), 100))
    pipe = Pipe()
    shared.commands[REQUEST] += 1
    loop(worker, pipe)
    assert len(pipe.sent) == 2                                           # the request, and the end
    worker, shared, _ = begun(config_of("Catch", MLP(hidden=8), 10**9))
    shared.stop()
    loop(worker, Pipe())
    assert shared.counters[0, UPDATES] == 0


def broken():
    """An environment's factory that fails."""
    raise OSError("no such machine")


def test_what_goes_wrong_is_sent_as_a_traceback():
    pipe = Pipe()
    with pytest.raises(SystemExit):
        main(0, config_of(broken, MLP(), 10), Shared(1, 1), np.random.SeedSequence(0), None, pipe)
    (kind, text), = pipe.sent
    assert kind == "unmade" and "no such machine" in text and "Traceback" in text


class CannotBeClosed(Corridor):
    """Its state has been sent by then."""

    def close(self):
        raise OSError("no such machine")


def test_an_environment_that_fails_in_close_spoils_nothing():
    config, pipe = config_of(CannotBeClosed, MLP(hidden=8), 10), Pipe()
    _, shared, _ = begun(config)
    main(0, config, shared, np.random.SeedSequence(0), None, pipe)
    assert [kind for kind, _ in pipe.sent] == ["last state"]
