"""The server that workers are forked from: when it stands still, is cleaned away, or is not what is asked for."""

import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import gymnasium
import pytest

from a3c_numba.runs.checkpoint import load
from a3c_numba.system import worker_server
from a3c_numba.system.fork_server import WorkerStartError
from a3c_numba.system.server_process import STATUS
from a3c_numba.system.signals import DeferredSignals, signal_pending
from tests.faults import gates
from tests.faults.runs import Run, alive, children, servers_of
from tests.faults.test_processes import blocked
from tests.promises import PATIENCE, Late, undisturbed, until, within

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
        server, = until(lambda: servers_of(run.process.pid))
        os.kill(server, signal.SIGSTOP)
        if children(server):
            raise Late("it has forked a worker before it was stopped")
        until(lambda: blocked(run.process.pid))
        ends_by_ctrl_c(run)
        assert not run.events()
        until(lambda: not alive(server))                                 # it was killed, and needs a moment to be gone


@undisturbed
@pytest.mark.long
def test_ctrl_c_works_while_a_stopped_server_is_to_fork(tmp_path):
    with Run(tmp_path, f"{HERE}:StepsLater-v0", *TWO, "--total-steps", 10**8) as run:
        until(lambda: (run.gates / "here").exists())
        server, = servers_of(run.process.pid)
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


class Silent:
    """A server that forks no worker, unless it is told to."""

    def __init__(self, answered):
        self.answered, self.killed, self.status = answered, False, None

    def request(self, descriptors):
        self.status = socket.socket(fileno=os.dup(descriptors[0]))

    def kill(self):
        self.killed = True


@pytest.mark.parametrize("number, answered, raised", [
    (None, True, WorkerStartError), (None, False, WorkerStartError),
    (signal.SIGINT, True, InterruptedError), (signal.SIGINT, False, InterruptedError)])
def test_a_server_that_does_not_fork_is_ended(monkeypatch, number, answered, raised):
    """In a second; for a signal one that has forked others is only waited for no longer.  Nothing stays open."""
    server = Silent(answered)
    monkeypatch.setattr(worker_server, "FORK_SECONDS", 3600 if number else 1)
    monkeypatch.setattr(worker_server, "BOOT_SECONDS", 3600 if number else 1)
    monkeypatch.setattr(worker_server, "_running_server", lambda: number and signal.raise_signal(number) or server)
    gc.collect()
    before, files = signal.signal(signal.SIGINT, lambda *_: None), os.listdir("/proc/self/fd")
    try:                                                                 # a suite in the background has it ignored
        with pytest.raises(raised):
            worker_server.start(print)
    finally:
        signal.signal(signal.SIGINT, before)
    server.status.close()
    assert os.listdir("/proc/self/fd") == files
    assert server.killed == (number is None or not answered)


def test_a_signal_that_another_thread_is_sent_is_heeded(monkeypatch):
    """The system chooses one that has not blocked it; a server that does not answer holds up nobody then."""
    server, ends = Silent(True), threading.Event()
    other = threading.Thread(target=ends.wait)
    other.start()
    monkeypatch.setattr(worker_server, "FORK_SECONDS", 5)
    monkeypatch.setattr(worker_server, "_running_server",
                        lambda: signal.pthread_kill(other.ident, signal.SIGINT) or server)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), DeferredSignals(), pytest.raises(InterruptedError):
            worker_server.start(print)
    finally:
        signal.signal(signal.SIGINT, before)
        ends.set()
        other.join()
    server.status.close()
    assert not server.killed and not signal_pending()


def test_a_server_killed_by_another_thread_is_replaced(monkeypatch):
    """Also between being chosen and being sent a request, whose socket is closed then."""
    running, killed = worker_server._running_server, []

    def chosen():
        server = running()
        if not killed:
            killed.append(server)
            server.kill()
        return server

    monkeypatch.setattr(worker_server, "_running_server", chosen)
    process = worker_server.start(print)
    process.join(PATIENCE)
    assert process.exitcode == 0 and process.server is not killed[0]


def test_a_signal_that_is_ignored_ends_no_server(monkeypatch):
    """As SIGHUP is under nohup."""
    server = Silent(True)

    def running():
        signal.raise_signal(signal.SIGHUP)
        threading.Timer(0.5, lambda: server.status.send(STATUS.pack(77))).start()
        return server

    monkeypatch.setattr(worker_server, "HURRY_SECONDS", 0.0)
    monkeypatch.setattr(worker_server, "_running_server", running)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert worker_server.start(print).pid == 77
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not server.killed
    server.status.close()


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.long
def test_a_temporary_folder_that_is_cleaned_costs_nobody(tmp_path, killed):
    """Nothing of a run lies there."""
    with tempfile.TemporaryDirectory() as short, \
            Run(tmp_path, "tests.faults.gates:Gated-v0", *TWO, "--total-steps", 20_000, TMPDIR=short) as run:
        run.trains(workers=2)
        first, second = run.workers()
        shutil.rmtree(short)
        Path(short).mkdir()
        if killed:
            os.kill(first, signal.SIGKILL)
            until(lambda: len(run.workers()) == 2 and first not in run.workers())
            assert second in run.workers()
        run.open()
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err and len(run.events()) == killed, err
