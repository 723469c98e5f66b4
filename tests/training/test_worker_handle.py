"""The phases of one worker, as its handle sees them."""

import pytest

from a3c_numba.training.worker_handle import UNHEARD, WorkerPhase
from tests.training.fakes import Process, Reader, handle


def heard(*messages):
    """A worker that has made a heartbeat and then sent these messages."""
    worker = handle(Process(reported=False), Reader(messages))
    worker.listen(1, 0.1)
    worker.receive()
    return worker


def test_a_worker_is_starting_until_its_first_heartbeat():
    worker = handle()
    worker.listen(0, 3.0)
    assert worker.phase is WorkerPhase.STARTING and worker.seconds_since_heartbeat == 3.0
    worker.listen(1, 3.0)
    assert worker.phase is WorkerPhase.RUNNING and worker.seconds_since_heartbeat == 0.0


@pytest.mark.parametrize("messages, phase", [
    ([("state", {"steps": 5})], WorkerPhase.RUNNING),
    ([("state", {"steps": 5}), ("last state", {"steps": 6})], WorkerPhase.FINISHED),
    ([("error", "it failed")], WorkerPhase.FAILED),
    ([("unmade", "it failed")], WorkerPhase.FAILED_IN_CONSTRUCTOR)])
def test_a_message_decides_the_phase_and_heartbeats_keep_it(messages, phase):
    worker = heard(*messages)
    assert worker.phase is phase
    worker.listen(2, 0.1)
    assert worker.phase is phase
    assert worker.state == (messages[-1][1] if "state" in messages[-1][0] else None)


@pytest.mark.parametrize("messages, ending", [
    ([], "made no step for 2 s and was killed"),
    ([("last state", {"steps": 5})], "made no step for 2 s and was killed"),
    ([("error", "it failed")], "failed, hung in close for 2 s and was killed")])
def test_a_kill_ends_every_phase_and_keeps_what_was_reported(messages, ending):
    worker = heard(*messages)
    before = worker.reported
    worker.listen(1, 2.0)
    worker.kill()
    assert worker.phase is WorkerPhase.KILLED and worker.reported is before and worker.alive
    worker.process.exitcode = -9
    assert worker.phase is WorkerPhase.EXITED and worker.reported is before and not worker.alive
    assert worker.ending() == ending and worker.failed


def test_a_message_that_is_read_after_a_kill_is_heard():
    worker = heard()
    worker.listen(1, 2.0)
    worker.kill()
    worker.reader.said.append(("last state", {"steps": 5}))
    worker.receive()
    assert worker.phase is WorkerPhase.KILLED and worker.reported is WorkerPhase.FINISHED
    assert worker.state == {"steps": 5}


def test_an_exit_is_unreported_after_another_timeout():
    worker = heard()
    worker.listen(1, 2.0)
    assert not worker.exit_unreported
    worker.kill()
    worker.listen(1, 2.0)
    assert not worker.exit_unreported
    worker.listen(1, 0.1)
    assert worker.exit_unreported
    worker.process.exitcode = -9
    assert not worker.exit_unreported


def test_only_a_worker_without_a_heartbeat_needs_a_hint():
    assert handle().explanation() == UNHEARD
    assert heard().explanation() == "" and heard(("error", "it failed")).explanation() == "it failed"
