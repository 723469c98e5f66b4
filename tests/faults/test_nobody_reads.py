"""Nobody reads standard error, or there is none: a run goes on, and ends when it is told to."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import termios
import threading

import pytest

from a3c_numba.progress_bar import ProgressBar
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.system import terminal
from a3c_numba.training.trainer import Trainer, initial_checkpoint
from tests.faults import gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import ROOT, Run, alive, until
from tests.programs import reports_often, small
from tests.promises import PATIENCE

fcntl = pytest.importorskip("fcntl")

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]

GATED = "tests.faults.gates:Gated-v0"
SHORT = "Catch", "--workers", 1, "--total-steps", 2000


def pipe():
    reading, writing = os.pipe()
    with contextlib.suppress(AttributeError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    return reading, writing


def fill(writing):
    """Until there is room for not one byte more."""
    os.set_blocking(writing, False)
    for text in (b"x" * 99 + b"\n", b"x"):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, text)
    os.set_blocking(writing, True)                                       # or nobody who has it would ever wait


def stop(writing):
    """What Ctrl-S does."""
    termios.tcflow(writing, termios.TCOOFF)


@contextlib.contextmanager
def unread(opened=pipe):
    """Both ends of what no program reads from."""
    ends = opened()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.parametrize("opened, halt", [(pipe, fill), (os.openpty, fill), (os.openpty, stop)],
                         ids=["a pipe that is full", "a terminal that is full", "Ctrl-S"])
@pytest.mark.long
def test_a_run_with_unread_lines_is_supervised_and_stopped(tmp_path, opened, halt):
    with unread(opened) as (_, writing):
        with Run(tmp_path, GATED, "--workers", 2, "--total-steps", 10**8, "--checkpoint-seconds", 0.3,
                 log=writing) as run:
            run.trains(workers=2)
            halt(writing)
            os.kill(run.workers()[0], signal.SIGKILL)                    # one more line
            until(lambda: any("SIGKILL" in event for event in run.events()))
            until(lambda: len(run.workers()) == 2)
            latest = run.out / "latest.npz"
            until(latest.exists)
            step = load(latest).global_step
            until(lambda: load(latest).global_step > step)
            workers = run.workers()
            run.process.terminate()
            assert run.ended()[0] == 143
            until(lambda: not any(alive(pid) for pid in workers))
        assert load(latest).global_step > step


def command(*arguments, **where):
    return subprocess.run([sys.executable, "-m", "a3c_numba", *map(str, arguments)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, timeout=PATIENCE, **where)


@pytest.mark.long
def test_a_run_that_nobody_reads_from_its_start_ends(tmp_path):
    with unread() as (_, writing):
        fill(writing)
        assert command("train", *SHORT, "--out", tmp_path / "run", stderr=writing).returncode == 0
    assert load(tmp_path / "run" / "final.npz").global_step >= 2000


def test_an_error_that_nobody_reads_ends_the_program():
    with unread() as (_, writing):
        fill(writing)
        assert command("train", "NoSuchGame", stderr=writing).returncode == 2


@pytest.mark.long
def test_the_commands_of_many_runs_wait_for_nobody(tmp_path):
    """Also where there is no picture to be drawn, which one more line says."""
    with unread() as (_, writing):
        fill(writing)
        (tmp_path / "sweep" / "scatter.png").mkdir(parents=True)
        assert command("sweep", *SHORT, "--runs", 1, "--out", tmp_path / "sweep", stderr=writing).returncode == 0
        assert command("speedup", *SHORT, "--target-score", -1, "--out", tmp_path / "speedup",
                       stderr=writing).returncode == 0
    assert (tmp_path / "speedup" / "speedup.csv").exists()


SCRIPT = """
import contextlib, os, signal, sys
import numpy as np
from a3c_numba import Agent
from tests.faults.runs import workers_of

def kills(row):
    for worker in workers_of(os.getpid()) if row.updates and not row.restarts else ():
        os.kill(worker, signal.SIGKILL)
    return not row.restarts

def writes(row):
    with contextlib.suppress(OSError):                                   # a library may hold 2 open for reading
        os.write(2, b"libfoo: warning\\n" * 9)                            # what C code does
    return False

if __name__ == "__main__":
    agent = Agent("Catch", workers=1).learn(10**8, callback={callback}, callback_seconds=0.1)
    assert max(np.abs(array).max() for array in agent.parameters().values()) < 10
"""


def script(folder, callback, **where):
    """A program that uses the API, without a bar."""
    (folder / "program.py").write_text(SCRIPT.format(callback=callback))
    return subprocess.run([sys.executable, folder / "program.py"], env=os.environ | {"PYTHONPATH": str(ROOT)},
                          text=True, timeout=PATIENCE, **where)


@pytest.mark.long
def test_a_program_whose_warnings_nobody_reads_trains_on(tmp_path):
    with unread() as (_, writing):
        fill(writing)
        assert script(tmp_path, "kills", stderr=writing).returncode == 0


@pytest.mark.long
def test_warnings_without_a_progress_bar_go_to_standard_error(tmp_path):
    ended = script(tmp_path, "kills", stderr=subprocess.PIPE)
    assert ended.returncode == 0 and ended.stderr.startswith("worker 0 ") and ended.stderr.count("\n") == 1


@pytest.mark.long
def test_writes_to_a_closed_standard_error_never_reach_theta(tmp_path):
    assert script(tmp_path, "writes", preexec_fn=lambda: os.close(2)).returncode == 0


def test_many_unread_lines_cost_one_wait_after_the_checkpoint(tmp_path, monkeypatch):
    reports_often(monkeypatch)
    RunFolder(tmp_path / "run").create("{}")
    waits, counts = [], []

    def nobody_reads(_):
        waits.append((tmp_path / "run" / "latest.npz").exists())
        return False

    def callback(row):
        if len(counts) == 3:                                             # at the end, when all is written
            return
        counts.append(len(waits))
        waits.clear()
        for n in range(48):
            run.events.add("no curve", detail=f"line {n}")
        return len(counts) < 3

    start = initial_checkpoint(small("Catch", total_steps=10**8))
    run = Trainer(start, tmp_path / "run", ProgressBar(10**8), callback)
    monkeypatch.setattr(terminal, "_takes_more", nobody_reads)
    run.run()
    assert all(0 < count < 4 for count in counts[1:])
    assert 0 < len(waits) < 5 and all(waits)
    assert (tmp_path / "run" / "events.csv").read_text().count(": line ") == 3 * 48


def test_an_unread_terminal_never_takes_a_line_that_would_block():
    """It says that it is ready up to the last byte, and then has no room for a line."""
    reading, writing = os.openpty()
    with os.fdopen(writing, "w") as stream:
        def write():
            while select.select([], [stream], [], 0)[1]:
                terminal.write_without_blocking("\r\x1b[K" + "x" * 150, stream)
                terminal.write_without_blocking("x" * 150 + "\n", stream)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(PATIENCE)
        waits = writer.is_alive()
        os.close(reading)                                                # nobody writes there, or waits, any more
    assert not waits


def test_a_terminal_that_is_read_shows_all():
    with unread(os.openpty) as (reading, writing), os.fdopen(os.dup(writing), "w") as stream:
        terminal.write_without_blocking("\r\x1b[K" + "\u03b8" * 500, stream)
        terminal.write_without_blocking("a line\n", stream)
        shown = b""
        while not shown.endswith(b"\n"):
            shown += os.read(reading, 10_000)
    assert shown.decode() == "\r\x1b[K" + "\u03b8" * 500 + "a line\r\n"


def test_what_a_reader_takes_his_time_for_is_not_lost(monkeypatch):
    """A long text, through a pipe that holds less; only a busy machine is given more time than a program has."""
    monkeypatch.setattr(terminal, "WAIT_SECONDS", PATIENCE)
    text = "".join(f"line {n}\n" for n in range(2000))
    reading, writing = pipe()
    with os.fdopen(reading) as source, os.fdopen(writing, "w") as stream:
        found = []
        reader = threading.Thread(target=lambda: found.append(source.read()), daemon=True)
        reader.start()
        terminal.write_without_blocking(text, stream)
        stream.close()
        reader.join(PATIENCE)
    assert found == [text]


def without_standard_error(*arguments):
    return command(*arguments, preexec_fn=lambda: os.close(2))


@pytest.mark.long
def test_a_run_without_a_standard_error(tmp_path):
    """What would be said there goes nowhere else, and a warning of a run's start is such a line."""
    ended = without_standard_error("train", *SHORT, "--algorithm", "one_step_q", "--out", tmp_path / "run")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert load(tmp_path / "run" / "final.npz").global_step >= 2000


def test_an_error_without_a_standard_error():
    ended = without_standard_error("train", "NoSuchGame")
    assert (ended.returncode, ended.stdout) == (2, "")
