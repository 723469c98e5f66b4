"""Worker processes: what they are given, how their end is seen, and what they leave behind; forked and not."""

import gc
import multiprocessing
import operator
import os
import pickle
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.system import threads, worker_server
from a3c_numba.system.channel import LENGTH, Channel, wait
from a3c_numba.system.child_process import LOST, signal_name
from a3c_numba.system.fork_server import WorkerStartError
from a3c_numba.system.server_process import in_worker
from a3c_numba.system.shared_memory import ArraySpec, SharedArrays
from tests.promises import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no workers")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no server, or no /proc")


@pytest.fixture(params=[pytest.param(True, marks=LINUX), False], ids=["forked", "new interpreter"])
def either(request, monkeypatch):
    """Both ways to start a worker."""
    monkeypatch.setattr(worker_server, "FORKS", request.param)
    return request.param


def result_of(function, *arguments):
    """What a function returns in a worker."""
    ours, theirs = Channel.pair()
    with ours, theirs:
        process = worker_server.start(lambda *given: given[-1].send(function(*given[:-1])), *arguments, theirs)
        theirs.close()
        result = ours.recv()
        process.join(PATIENCE)
        assert process.exitcode == 0
    return result


def ends(how):
    how()


def raises():
    raise ArithmeticError("in a worker")


@pytest.mark.parametrize("how, code", [
    (lambda: None, 0), (lambda: sys.exit(), 0), (lambda: sys.exit(3), 3), (lambda: sys.exit("a line"), 1), (raises, 1),
    (lambda: os._exit(255), 255), (lambda: os.kill(os.getpid(), signal.SIGKILL), -9)])
def test_a_workers_exit_code_is_pythons(either, how, code):
    process = worker_server.start(ends, how)
    process.join(PATIENCE)
    assert process.exitcode == code and not process.lost and not process.is_alive() and wait([process], 0)
    process.kill()                                                       # does nothing


def test_what_goes_wrong_in_a_worker_is_printed(either, capfd):
    worker_server.kill_server()                                          # it may have another standard error
    for how in (raises, lambda: sys.exit("a line")):
        worker_server.start(ends, how).join(PATIENCE)
    said = capfd.readouterr().err
    worker_server.kill_server()
    assert "ArithmeticError: in a worker" in said and said.endswith("a line\n")


def test_a_worker_has_the_main_processs_surroundings(either, monkeypatch, tmp_path):
    worker_server.start(print).join(PATIENCE)                            # the server knows none of what follows
    monkeypatch.setenv("A3C_NUMBA_TEST", "\udc80")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = result_of(lambda: (os.environ["A3C_NUMBA_TEST"], "HOME" in os.environ, sys.path, os.getcwd(), in_worker()))
    assert found == ("\udc80", False, sys.path, os.getcwd(), True) and not in_worker()


@LINUX
def test_linux_kills_a_worker_before_the_server_for_memory(either):
    """The main process and the server are left as they are."""
    def score(of):
        return int(Path(f"/proc/{of}/oom_score_adj").read_text())

    before = score("self")
    assert result_of(lambda: int(Path("/proc/self/oom_score_adj").read_text())) == 500
    assert score("self") == before
    if either:
        assert score(worker_server.server()) == before


def test_a_worker_has_one_thread_unless_the_program_says_more(either, monkeypatch):
    """The main process, whose libraries are the program's, is told nothing."""
    worker_server.kill_server()
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = result_of(lambda: [os.environ.get(name) for name in threads.VARIABLES])
    assert found == ["1", "3", "1", "1"] and "MKL_NUM_THREADS" not in os.environ
    worker_server.kill_server()


def test_a_folder_that_was_removed_costs_no_worker(either, monkeypatch, tmp_path):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    (tmp_path / "folder").rmdir()
    assert result_of(lambda: 7) == 7


def test_a_worker_shares_memory_and_channels_with_its_parent(either):
    memory = SharedArrays([ArraySpec(np.float32, (3,)), ArraySpec(np.int64, (2,))])
    first, second = memory.arrays()
    first[:] = 1, 2, 3

    def change(shared, again):
        floats, integers = shared.arrays()
        integers[:] = floats[:2] + 10
        again.arrays()[0][2] = 7
        return floats.tolist()

    assert result_of(change, memory, memory) == [1, 2, 7]
    assert second.tolist() == [11, 12] and first.tolist() == [1, 2, 7]


@pytest.mark.parametrize("thing", [lambda: SharedArrays([ArraySpec(np.int64, (8,))]), lambda: Channel.pair()[0]])
def test_shared_memory_and_channels_go_to_new_workers_only(thing):
    with pytest.raises(TypeError, match="can be sent only with worker_server.start"):
        pickle.dumps(thing())


def test_numpys_own_stream_differs_from_worker_to_worker(either):
    assert len({result_of(lambda: np.random.random()) for _ in range(3)}) == 3


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_worker_can_start_processes_by_multiprocessing(either, method):
    """As an environment with a simulator may; what it leaves behind ends with the worker."""
    def multiply():
        with multiprocessing.get_context(method).Pool(1) as pool:
            product = pool.apply(operator.mul, (6, 7))
        child = multiprocessing.get_context(method).Process(target=time.sleep, args=(600,), daemon=True)
        child.start()
        return product, child.pid

    product, left = result_of(multiply)
    assert product == 42
    until(lambda: not is_running(left))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_what_a_worker_forks_can_be_terminated(either):
    """multiprocessing.Pool terminates its processes and waits for their end."""
    def terminate():
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        child.start()
        child.terminate()
        child.join(PATIENCE)
        return child.exitcode

    assert result_of(terminate) == -signal.SIGTERM


def is_running(pid):
    """Whether there is such a process, which may not be this one's child."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@LINUX
def test_a_worker_holds_no_other_workers_descriptors(either):
    def descriptors(channel):
        channel.send(sorted(os.listdir("/proc/self/fd")))
        channel.recv()

    found, held = [], []
    for _ in range(3):
        ours, theirs = Channel.pair()
        with theirs:
            held.append((worker_server.start(descriptors, theirs), ours))
        found.append(ours.recv())
    worker_server.end([process for process, _ in held])
    assert len(set(map(len, found))) == 1 and len(found[0]) <= 8


@LINUX
def test_workers_leave_no_descriptor_in_the_main_process(either):
    worker_server.start(print).join(PATIENCE)

    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    for _ in range(5):
        worker_server.start(print).join(PATIENCE)
    until(lambda: descriptors() == before)                               # the threads that wait for interpreters


def test_a_programs_default_timeout_is_not_the_workers(either):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.01)
    try:
        assert result_of(lambda: time.sleep(0.3) or 5) == 5
    finally:
        socket.setdefaulttimeout(before)


def test_killing_several_workers_waits_until_they_are_gone(either):
    processes = [worker_server.start(time.sleep, 600) for _ in range(3)]
    assert all(process.is_alive() for process in processes)
    worker_server.end(processes)
    assert [process.exitcode for process in processes] == [-signal.SIGKILL] * 3


@LINUX
def test_workers_of_a_killed_server_count_as_lost():
    process = worker_server.start(time.sleep, 600)
    os.kill(worker_server.server(), signal.SIGKILL)
    process.join(PATIENCE)
    assert process.lost and process.exitcode == LOST and "lost with the server" in process.ending()
    assert result_of(lambda: 3) == 3                                     # by a new server


@LINUX
def test_a_stopped_server_does_not_delay_its_workers_end():
    processes = [worker_server.start(time.sleep, 600) for _ in range(2)]
    os.kill(worker_server.server(), signal.SIGSTOP)
    before = time.monotonic()
    worker_server.end(processes)
    assert time.monotonic() - before < 30 and not any(process.is_alive() for process in processes)


def test_threads_start_workers_at_once(either):
    results = []
    threads = [threading.Thread(target=lambda k=k: results.append(result_of(lambda: k))) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(results) == [0, 1, 2, 3]


@LINUX
def test_a_server_that_cannot_import_says_why(monkeypatch):
    """In one line, at each start."""
    monkeypatch.setattr("a3c_numba.system.fork_server.PRELOAD", "a3c_numba.nothing")
    worker_server.kill_server()
    for _ in range(2):
        with pytest.raises(WorkerStartError, match="^the server that workers are forked from could not import what "
                                                   "workers need: ModuleNotFoundError: [^\n]*nothing'$"):
            worker_server.start(print)
    worker_server.kill_server()


def test_an_interpreter_that_does_not_exist_is_named(either, monkeypatch):
    worker_server.kill_server()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(WorkerStartError, match="No such file or directory"):
        worker_server.start(print)


def test_windows_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(WorkerStartError, match="^[^\n]*Windows is not supported[^\n]*$"):
        worker_server.start(print)


def test_a_channel_carries_messages_until_it_is_closed():
    ours, theirs = Channel.pair()
    for message in ("a", b"x" * 100_000, {"n": np.arange(3).tolist()}):
        threading.Thread(target=theirs.send, args=(message,)).start()
        assert ours.poll(PATIENCE) and ours.recv() == message
    assert not ours.poll() and not ours.peer_closed()
    theirs.send("last")
    theirs.close()
    assert not ours.peer_closed() and ours.recv() == "last" and ours.peer_closed()
    with pytest.raises(EOFError):
        ours.recv()
    with pytest.raises(OSError):
        for _ in range(2):
            ours.send("nobody")
    ours.close()
    assert ours.closed and theirs.closed


def test_half_a_message_is_an_end():
    ours, theirs = Channel.pair()
    theirs.socket.send(LENGTH.pack(100) + b"half")
    theirs.close()
    with pytest.raises(EOFError):
        ours.recv()


@pytest.mark.parametrize("number, name", [(9, "SIGKILL"), (40, "signal 40")])
def test_signals_have_names(number, name):
    assert signal_name(number) == name
