"""The server that workers are forked from: when it stands still, is cleaned away, or is not what is asked for."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import gymnasium
import pytest

from a3c_numba.runs.checkpoint import load
from a3c_numba.system import worker_server
from tests.faults import gates
from tests.faults.runs import Run, alive, children
from tests.faults.test_processes import blocked
from tests.promises import Late, undisturbed, until, within

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="there is no server")]

HERE, TWO = "tests.faults.test_fork_server", ("--workers", 2)


class StepsLater(gates.Gated):
    """Makes no step before the file "go" is there."""

    def step(self, action):
        (gates.folder() / "here").touch()
        until(lambda: (gates.folder() / "go").exists())
        return super().step(action)


if "StepsLater-v0" not in gymnasium.registry:
    gymnasium.register("StepsLater-v0", entry_point=StepsLater, disable_env_checker=True)


@undisturbed
def test_ctrl_c_is_heeded_while_the_server_starts(tmp_path):
    """It is stopped before it has forked anybody; nobody is told that a worker could not be had."""
    with Run(tmp_path, "tests.faults.gates:Gated-v0", *TWO, "--total-steps", 10**8) as run:
        server, = until(lambda: children(run.process.pid, b"forkserver"))
        os.kill(server, signal.SIGSTOP)
        if children(server):
            raise Late("it has forked a worker before it was stopped")
        until(lambda: blocked(run.process.pid))
        ends_by_ctrl_c(run)
        assert not run.events()
        until(lambda: not alive(server))                                 # it was killed, and needs a moment to be gone


@undisturbed
def test_ctrl_c_works_while_a_stopped_server_is_to_fork(tmp_path):
    with Run(tmp_path, f"{HERE}:StepsLater-v0", *TWO, "--total-steps", 10**8) as run:
        until(lambda: (run.gates / "here").exists())
        server, = children(run.process.pid, b"forkserver")
        os.kill(server, signal.SIGSTOP)
        (run.gates / "go").touch()
        until(lambda: blocked(run.process.pid))                          # the second worker is being started
        ends_by_ctrl_c(run)
        assert not run.events()
        until(lambda: not alive(server))
    first, second = load(run.out / "latest.npz").workers
    assert second is None
    if first is None:
        raise Late("STOP_SECONDS was not enough for the first one to say where it is")


def ends_by_ctrl_c(run):
    """In 3 s."""
    sent = time.monotonic()
    os.kill(run.process.pid, signal.SIGINT)
    try:
        code, err = run.ended(30)
    except subprocess.TimeoutExpired:
        raise AssertionError("Ctrl-C was not heeded") from None
    within(3, sent)
    assert code == 130 and "Traceback" not in err, err


@pytest.mark.parametrize("number, answered, raised", [
    (None, True, ConnectionError), (None, False, ConnectionError),
    (signal.SIGINT, True, InterruptedError), (signal.SIGINT, False, InterruptedError)])
def test_a_server_that_does_not_fork_is_ended(monkeypatch, number, answered, raised):
    """In a second; for a signal one that has forked others is only waited for no longer.  Nothing stays open."""
    opened, ended = [*os.pipe(), *os.pipe()], []
    monkeypatch.setattr(worker_server, "FORK_SECONDS", 3600 if number else 1)
    monkeypatch.setattr(worker_server, "BOOT_SECONDS", 3600 if number else 1)
    monkeypatch.setattr(worker_server, "_answered", worker_server.server() if answered else -1)
    monkeypatch.setattr(worker_server, "kill_server", lambda: ended.append(True))
    monkeypatch.setattr(worker_server._server, "connect_to_new_process", lambda descriptors: (opened[0], opened[3]))
    before = signal.signal(signal.SIGINT, lambda *_: None)               # a suite in the background has it ignored
    try:
        with pytest.raises(raised), worker_server.forking_from_server():
            if number:
                signal.raise_signal(number)
            forkserver.connect_to_new_process([])
    finally:
        signal.signal(signal.SIGINT, before)
    os.close(opened[1]), os.close(opened[2])
    for descriptor in opened:
        with pytest.raises(OSError):
            os.fstat(descriptor)
    assert len(ended) == (number is None or not answered)


def test_a_signal_that_is_ignored_ends_no_server(monkeypatch):
    """As SIGHUP is under nohup."""
    ours, theirs = os.pipe()
    monkeypatch.setattr(worker_server, "HURRY_SECONDS", 0.0)
    monkeypatch.setattr(worker_server._server, "connect_to_new_process", lambda descriptors: (ours, theirs))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with worker_server.forking_from_server():
            signal.raise_signal(signal.SIGHUP)
            threading.Timer(0.5, os.write, (theirs, b"x")).start()
            assert forkserver.connect_to_new_process([]) == (ours, theirs)
    finally:
        signal.signal(signal.SIGHUP, before)
        os.close(ours), os.close(theirs)


def test_other_threads_fork_from_their_own_server_meanwhile(monkeypatch):
    with open(os.devnull, "rb") as null:
        ours, said = (null.fileno(), null.fileno()), []
        monkeypatch.setattr(worker_server._server, "connect_to_new_process", lambda descriptors: ours)
        monkeypatch.setattr(forkserver, "connect_to_new_process", lambda descriptors: "theirs")
        with worker_server.forking_from_server():
            thread = threading.Thread(target=lambda: said.append(forkserver.connect_to_new_process([])))
            thread.start()
            thread.join()
            said.append(forkserver.connect_to_new_process([]))
    assert said == ["theirs", ours] and forkserver.connect_to_new_process([]) == "theirs"


@pytest.mark.parametrize("killed", [False, True])
def test_a_temporary_folder_that_is_cleaned_costs_nobody(tmp_path, killed):
    """The address of the fork server lies there; its workers stay, and a new server forks who is needed later."""
    with tempfile.TemporaryDirectory() as short, \
            Run(tmp_path, "tests.faults.gates:Gated-v0", *TWO, "--total-steps", 20_000, TMPDIR=short) as run:
        run.trains(workers=2)
        first, second = run.workers()
        shutil.rmtree(next(Path(short).glob("pymp-*")))
        if killed:
            os.kill(first, signal.SIGKILL)
            until(lambda: len(run.workers()) == 2 and first not in run.workers())
            assert second in run.workers()
        run.open()
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err and len(run.events()) == killed, err
