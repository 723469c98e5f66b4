"""The main process among its workers: who it takes for hung, what it waits for, and what it never waits for."""

import os
import signal
import sys
import threading
import time

import pytest

from a3c_numba.system import worker_server
from a3c_numba.system.channel import LENGTH, Channel
from a3c_numba.training.limits import Limits
from a3c_numba.training.message_reader import MessageReader
from a3c_numba.training.supervisor import STOP_SECONDS
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from a3c_numba.training.worker_handle import start_worker
from tests.faults import gates  # noqa: F401  registers the environments
from tests.faults.runs import Run, servers_of, until
from tests.programs import small
from tests.training.fakes import Crew, Process, handle, supervisor_of

pytestmark = pytest.mark.faults


def watched_crew(limit, step, hanging=(), workers=2, **parts):
    config = small("Catch", workers=workers, total_steps=10**6)
    return Crew(config, Limits(heartbeat_seconds=limit), step, hanging, **parts)


@pytest.mark.parametrize("callback, at_most", [(0, 61), (6, 67), (14, 75), (300, 5 * 301)])
def test_a_hung_worker_is_found_for_any_callback_duration(callback, at_most):
    watched = watched_crew(limit=60, step=0.01, hanging=[1])
    begun = watched.now
    while not watched.killed and watched.now < begun + 10_000:
        watched.work(callback)
        watched.look()
    assert watched.killed == [1] and 60 <= watched.now - begun <= at_most


@pytest.mark.parametrize("limit, step", [(60, 40), (2, 1.3)])
@pytest.mark.parametrize("pause", [1, 4, 7, 3600])
@pytest.mark.parametrize("when", ["between two looks", "in a callback", "in a wait", "in a wait that ends with it"])
def test_no_step_takes_longer_because_all_stood_still(limit, step, pause, when):
    """The machine slept, or Ctrl-Z and fg; each step meets one pause, each pause another moment of the step."""
    watched = watched_crew(limit, step)
    for moment in range(40):
        for _ in range(int(1.03 * step / 0.1) + 1):
            watched.look()
        if when == "in a callback":
            watched.work(0.1)
        if when.startswith("in a wait"):
            watched.while_waiting = lambda seconds: (watched.pause(pause),
                                                     watched.work(seconds * when.endswith("wait")))
            watched.look()
            watched.while_waiting = watched.work
        else:
            watched.pause(pause)
        if when == "in a callback":
            watched.work(0.1)
    assert watched.killed == []


@pytest.mark.parametrize("seconds", [4, 60, 3600])
def test_a_monitor_that_stood_still_kills_no_working_worker(seconds):
    watched = watched_crew(limit=2, step=0.01)
    for _ in range(20):
        watched.look()
        watched.work(seconds)                                            # nobody looks
    assert watched.killed == []


def test_a_worker_that_hangs_is_found_behind_a_pause():
    watched = watched_crew(limit=60, step=0.01, hanging=[1])
    watched.look()
    watched.pause(3600)
    begun = watched.now
    while not watched.killed and watched.now < begun + 1000:
        watched.look()
    assert watched.killed == [1] and 44 <= watched.now - begun <= 61


def test_a_worker_that_fails_late_has_time_to_close():
    """Its step took long already; from its last word on it has a few seconds, and no heartbeat's time."""
    watched = watched_crew(limit=60, step=0.01, hanging=[1])
    begun = watched.now
    while watched.now < begun + 50:
        watched.look()
    watched.readers[1].said.append(("error", "it failed"))
    begun = watched.now
    while not watched.killed and watched.now < begun + 1000:
        watched.look()
    assert watched.killed == [1] and 5 <= watched.now - begun <= 6
    assert "failed, hung" in watched.supervisor.events.sentences()[0]


@pytest.mark.long
def test_a_main_process_stopped_and_continued_replaces_no_worker(tmp_path):
    with Run(tmp_path, "tests.faults.gates:Gated-v0", "--workers", 2, "--total-steps", 20_000, "--heartbeat-seconds",
             3) as run:
        run.trains(workers=2)
        os.kill(run.process.pid, signal.SIGSTOP)
        time.sleep(4)
        os.kill(run.process.pid, signal.SIGCONT)
        run.open()
        code, err = run.ended()
    assert code == 0 and not run.events(), err


def frame(message):
    """The bytes that a worker writes for a message."""
    ours, theirs = Channel.pair()
    theirs.send(message)
    return os.read(ours.fileno(), 1 << 20)


def test_a_message_that_comes_in_pieces_is_waited_for_by_nobody():
    ours, theirs = Channel.pair()
    reader, messages = MessageReader(ours), [("state", {"steps": 7}), ("error", "x" * 300)]
    for message in messages:
        whole = frame(message)
        for byte in range(len(whole)):
            assert list(reader.messages()) == []
            os.write(theirs.fileno(), whole[byte:byte + 1])
        assert list(reader.messages()) == [message]


@pytest.mark.parametrize("count", [0, 1, 20_000, 2_000_000])             # a pipe holds some 64 KB
def test_what_a_pipe_cannot_hold_comes_whole(count):
    ours, theirs = Channel.pair()
    reader, message, got = MessageReader(ours), ("state", bytes(range(250)) * (count // 250 + 1)), []
    sender = threading.Thread(target=lambda: [theirs.send(message), theirs.send("last"), theirs.close()])
    sender.start()
    until(lambda: got.extend(reader.messages()) or reader.closed)
    sender.join()
    assert got == [message, "last"]


def test_a_message_of_more_than_two_gigabytes_can_be_read():
    """Its length has eight bytes; the message itself is not made here."""
    ours, theirs = Channel.pair()
    reader = MessageReader(ours)
    os.write(theirs.fileno(), LENGTH.pack(3 << 30) + b"its beginning")
    assert list(reader.messages()) == [] and not reader.closed


@pytest.mark.parametrize("left", [1, 3, 4, 20])
def test_half_a_message_of_a_worker_that_was_killed_is_dropped(left):
    ours, theirs = Channel.pair()
    reader = MessageReader(ours)
    os.write(theirs.fileno(), frame("said") + frame("what it wanted to say")[:left])
    theirs.close()
    assert list(reader.messages()) == ["said"] and reader.closed and list(reader.messages()) == []


def test_no_worker_is_started_until_the_first_death_is_explained():
    """It may be what all the others would die of: then there is no second one."""
    started, first = [], Process()

    def start(number, *_):
        started.append(number)
        return handle(first)

    supervisor = supervisor_of(initial_checkpoint(small("Catch", workers=2, total_steps=10**8)), start)
    supervisor.poll(0)
    assert started == [0]
    first.exitcode = 1
    supervisor.poll(0)                                                   # starts workers first, then sees the exit
    assert started == [0] and "worker 0 died with exit code 1" in supervisor.events.sentences()[0]
    supervisor.poll(0)
    assert started == [0, 1]


def test_a_signal_is_heeded_while_many_workers_are_started():
    """The first worker is real; each of the others takes half a second to start, until SIGINT comes."""
    numbers = []

    def slowly(number, *arguments):
        numbers.append(number)
        if number == 0:
            return start_worker(number, *arguments)
        if len(numbers) <= 3:
            time.sleep(0.5)
        if len(numbers) == 3:
            signal.raise_signal(signal.SIGINT)
        return handle()

    start = initial_checkpoint(small("Catch", workers=64, total_steps=10**8))
    trainer = Trainer(start, start_worker=slowly)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)    # a suite in the background has it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert numbers == [0, 1, 2] and trainer.final_checkpoint.global_step > 0


@pytest.mark.parametrize("interrupted", [False, True])
def test_workers_that_are_killed_are_waited_for_together(monkeypatch, interrupted):
    """Their server does not say that they are gone: that costs half a second, not one for each."""
    class Unreported(Process):
        def __init__(self):
            super().__init__(reported=False)

        def join(self, seconds=None):
            if interrupted:
                raise KeyboardInterrupt
            watched.pause(seconds)

    watched, abandoned = watched_crew(limit=60, step=0.01, workers=64, process=Unreported, closed=False), []
    watched.wait_seconds = 0.05
    monkeypatch.setattr(worker_server, "kill_server", lambda: abandoned.append(watched.now))
    begun = watched.now
    try:
        watched.supervisor.stop()
    except KeyboardInterrupt:
        assert interrupted
    assert len(abandoned) == 1 and watched.now - begun <= STOP_SECONDS + 0.6


@pytest.mark.skipif(sys.platform != "linux", reason="there is no server")
@pytest.mark.long
def test_a_fork_server_that_stands_still_is_replaced(tmp_path):
    """One of its workers is killed, and nobody says so."""
    with Run(tmp_path, "tests.faults.gates:Gated-v0", "--workers", 2, "--total-steps", 20_000, "--heartbeat-seconds",
             2) as run:
        run.trains(workers=2)
        workers, server = run.workers(), servers_of(run.process.pid)[0]
        os.kill(server, signal.SIGSTOP)
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: len(run.workers()) == 2 and not set(workers) & set(run.workers()))
        run.open()
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err, err
    said, *replaced = run.events()
    assert "does not answer" in said and len(replaced) >= 2 and all("; replaced, " in line for line in replaced)
