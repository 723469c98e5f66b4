"""What the system has run out of: recognised from exceptions and control groups, and named with its limit."""

import errno
import os
import re
import signal
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest

from a3c_numba.system import cgroups, exhaustion, shared_memory, worker_pool, worker_server
from a3c_numba.system.exhaustion import advice, available_memory, exhausted, killed_for_memory
from a3c_numba.system.shared_memory import ArraySpec, SharedArrays
from tests.promises import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no workers, and no limits")
MEGABYTE = 10**6


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """A function that writes what this process says of its groups, and files of these."""
    monkeypatch.setattr(cgroups, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "OWN_CGROUPS", tmp_path / "own")
    monkeypatch.setattr(exhaustion, "VMSTAT", tmp_path / "vmstat")

    def write(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return write


def wrapped(error):
    """As gymnasium wraps what a constructor raises."""
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("raised by the environment's constructor") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("error, number", [
    (MemoryError(), errno.ENOMEM), (OSError(errno.ENOMEM, ""), errno.ENOMEM), (OSError(errno.EAGAIN, ""), errno.EAGAIN),
    (RuntimeError("can't start new thread"), errno.EAGAIN), (OSError(errno.EMFILE, ""), errno.EMFILE),
    (OSError(errno.ENOENT, ""), None), (ValueError(), None)])
def test_an_error_names_what_ran_out_also_if_it_is_wrapped(error, number):
    assert exhausted(error) == exhausted(wrapped(error)) == number


@pytest.mark.parametrize("number, named", [
    (errno.EAGAIN, r"limit of processes \(ulimit -u: \w+; the container's: 9\)"),
    (errno.ENOMEM, r"limit of memory \(ulimit -v: [\w ,]+; 320 MB are there for all\)"),
    (errno.EMFILE, r"limit of open files \(ulimit -n: \w+\)"), (errno.EIO, r"limits of processes, .*\)")])
def test_advice_names_the_limit_and_the_option(groups, number, named):
    groups("0::/job\n", {"job/pids.max": "9\n", "pids.max": "max\n", "memory.max": f"{320 * MEGABYTE}\n"})
    assert re.fullmatch(rf"use fewer workers \(--workers\), or raise the {named}", advice(number))


MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("own, files, expected", [
    ("0::/\n", {"memory.max": "50000000\n"}, 50 * MEGABYTE), ("0::/\n", {"memory.max": "max\n"}, MACHINE),
    ("0::/a/b\n", {"a/memory.max": "60000000\n", "a/b/memory.max": "90000000\n"}, 60 * MEGABYTE),
    ("4:memory:/job\n", {"memory/job/memory.limit_in_bytes": "70000000\n"}, 70 * MEGABYTE),
    ("4:memory:/job\n", {"memory/memory.limit_in_bytes": "80000000\n"}, 80 * MEGABYTE),
    ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE), ("", {}, MACHINE)])
def test_the_groups_limit_of_memory_counts_if_it_is_less(groups, own, files, expected):
    groups(own, files)
    assert available_memory() == expected


def test_shared_memory_takes_at_most_half_of_the_group(groups, monkeypatch):
    """More would have Linux kill the run; the temporary folder is on a disk."""
    groups("0::/\n", {"memory.max": "50000000\n"})
    monkeypatch.setattr(shared_memory, "FOLDERS", (shared_memory.MEMORY,))
    SharedArrays([ArraySpec("u1", (24 * MEGABYTE,))])
    with pytest.raises(OSError, match="memory: more than half of the 50 MB of memory"):
        SharedArrays([ArraySpec("u1", (26 * MEGABYTE,))])


@pytest.mark.parametrize("own, files, count", [
    ("0::/\n", {"memory.events": "low 0\noom 7\noom_kill 3\noom_group_kill 0\n"}, 3),
    ("4:memory:/a\n", {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}, 2),
    ("0::/\n", {"../vmstat": "nr_free_pages 5\noom_kill 4\n"}, 4), ("", {}, 0)])
def test_processes_killed_for_memory_are_counted(groups, own, files, count):
    groups(own, files)
    assert killed_for_memory() == count


def kills_itself(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_evaluation_that_linux_ends_for_memory_says_so(monkeypatch):
    """A worker that somebody else kills is not explained."""
    for counts, said in (([0, 1], "because memory ran out: use fewer workers"), ([1, 1], "before it could report")):
        monkeypatch.setattr(worker_pool, "killed_for_memory", lambda counts=counts: counts.pop(0))
        with pytest.raises(BrokenProcessPool, match=f"ended by SIGKILL {said}"):
            worker_pool.map_in_workers(kills_itself, (), 1, 1)


def test_an_error_that_is_its_own_cause_names_nothing():
    error = ValueError()
    error.__cause__ = error
    assert exhausted(error) is None


def runs_out():
    raise MemoryError


def test_a_worker_that_runs_out_of_memory_says_so(capfd):
    """Without a traceback; it may not even have been able to read what it is to do."""
    process = worker_server.start(runs_out)
    process.join(PATIENCE)
    assert process.ending().startswith("could not start: Cannot allocate memory: use fewer workers (--workers)")
    assert "Traceback" not in capfd.readouterr().err
