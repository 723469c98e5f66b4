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

from a3c_numba import display
from a3c_numba.checkpoint import load
from tests.faults import gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import ROOT, Run, until
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
def test_a_run_whose_lines_nobody_reads_is_watched_and_stopped_as_ever(tmp_path, opened, halt):
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
            until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers))
        assert load(latest).global_step > step


def command(*arguments, **where):
    return subprocess.run([sys.executable, "-m", "a3c_numba", *map(str, arguments)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, timeout=PATIENCE, **where)


def test_a_run_that_nobody_reads_from_its_start_ends(tmp_path):
    with unread() as (_, writing):
        fill(writing)
        assert command("train", *SHORT, "--out", tmp_path / "run", stderr=writing).returncode == 0
    assert load(tmp_path / "run" / "final.npz").global_step >= 2000


def test_an_error_that_nobody_reads_ends_the_program():
    with unread() as (_, writing):
        fill(writing)
        assert command("train", "NoSuchGame", stderr=writing).returncode == 2


def test_a_terminal_that_nobody_reads_never_takes_what_would_wait():
    """It says that it is ready up to the last byte, and then has no room for a line."""
    reading, writing = os.openpty()
    with os.fdopen(writing, "w") as stream:
        def write():
            while select.select([], [stream], [], 0)[1]:
                display.tell("\r\x1b[K" + "x" * 150, stream)
                display.tell("x" * 150 + "\n", stream)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(PATIENCE)
        waits = writer.is_alive()
        os.close(reading)                                                # nobody writes there, or waits, any more
    assert not waits


def test_a_terminal_that_is_read_shows_all():
    with unread(os.openpty) as (reading, writing), os.fdopen(os.dup(writing), "w") as stream:
        display.tell("\r\x1b[K" + "\u03b8" * 500, stream)
        display.tell("a line\n", stream)
        shown = b""
        while not shown.endswith(b"\n"):
            shown += os.read(reading, 10_000)
    assert shown.decode() == "\r\x1b[K" + "\u03b8" * 500 + "a line\r\n"


def test_what_a_reader_takes_his_time_for_is_not_lost(monkeypatch):
    """A long text, through a pipe that holds less; only a busy machine is given more time than a program has."""
    monkeypatch.setattr(display, "WAIT_SECONDS", PATIENCE)
    text = "".join(f"line {n}\n" for n in range(2000))
    reading, writing = pipe()
    with os.fdopen(reading) as source, os.fdopen(writing, "w") as stream:
        found = []
        reader = threading.Thread(target=lambda: found.append(source.read()), daemon=True)
        reader.start()
        display.tell(text, stream)
        stream.close()
        reader.join(PATIENCE)
    assert found == [text]


def without_standard_error(*arguments):
    return command(*arguments, preexec_fn=lambda: os.close(2))


def test_a_run_without_a_standard_error(tmp_path):
    """What would be said there goes nowhere else, and a warning of a run's start is such a line."""
    ended = without_standard_error("train", *SHORT, "--algorithm", "one_step_q", "--out", tmp_path / "run")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert load(tmp_path / "run" / "final.npz").global_step >= 2000


def test_an_error_without_a_standard_error():
    ended = without_standard_error("train", "NoSuchGame")
    assert (ended.returncode, ended.stdout) == (2, "")
