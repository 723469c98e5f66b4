"""Shared memory that is missing, full, or held by a process that is killed."""

import errno
import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from a3c_numba import Agent
from a3c_numba.core.shared import Shared
from a3c_numba.system import shared_memory, worker_server

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform == "win32", reason="no files behind the memory")]

SECONDS = 120                  # until a process counts as hung
ADVICE = ("use fewer workers, point TMPDIR at a folder with more space, or enlarge /dev/shm "
          "(docker run --shm-size)")
TRAIN = """
import resource, sys
from a3c_numba.cli import main as cli
from a3c_numba.system import shared_memory as memory
memory.FOLDERS = {folders}
if {limit}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
sys.exit(cli.main(["train", "Corridor", "--workers", "2", "--total-steps", "2000", "--out", {out!r}]))
"""
HOLD = """
import os, sys
from a3c_numba.system import shared_memory as memory
from a3c_numba.core.shared import Shared
memory.FOLDERS = {folders}
shared = Shared(50_000, 2)
shared.theta[:] = 1
file = os.fstat(shared._memory.fileno())
print(file.st_dev, file.st_ino, file.st_nlink, file.st_blocks * 512, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def tidy():
    """What earlier tests left for the garbage collector is not closed in the midst of a count."""
    gc.collect()


@pytest.fixture
def missing(tmp_path):
    """A folder in which nobody, not even root, can make a file."""
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file" / "folder")


@pytest.fixture
def spare():
    """A folder with space, whose path leaves room for a socket's: that of ``tmp_path`` may not."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder


def folder_of(shared):
    """Where the file lies that has lost its name."""
    return os.readlink(f"/proc/self/fd/{shared._memory.fileno()}").rsplit("/", 1)[0]


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")


def mark(shared):
    """A process: adds to what it finds."""
    shared.theta += 1
    shared.clock[0] = 5


def assert_works(shared):
    """It is zero, it is written, and a spawned process sees and changes the same memory."""
    assert not any(array.any() for array in (*shared.vectors, shared.clock))
    shared.theta[:] = 1
    process = worker_server.start(mark, shared)
    process.join(SECONDS)
    assert process.exitcode == 0 and (shared.theta == 2).all() and shared.global_step() == 5


@needs_proc
def test_a_missing_folder_is_passed_over(missing, spare, monkeypatch):
    monkeypatch.setattr(shared_memory, "FOLDERS", (missing, spare))
    shared = Shared(1000, 2)
    assert folder_of(shared) == spare
    assert_works(shared)


@needs_proc
def test_a_full_folder_is_passed_over(tmp_path, spare, monkeypatch):
    """The memory is asked for in full: a folder that has less of it is not begun with."""
    sizes, reserve = [], os.posix_fallocate

    def full(file, start, size):
        sizes.append(size)
        if len(sizes) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reserve(file, start, size)

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(shared_memory, "FOLDERS", (str(tmp_path), spare))
    shared = Shared(1000, 2)
    assert folder_of(shared) == spare
    assert sizes[0] == sizes[1] >= sum(array.nbytes for array in (*shared.vectors, shared.clock))
    assert_works(shared)


@needs_proc
def test_the_temporary_folder_comes_last(missing, spare, monkeypatch):
    monkeypatch.setattr(shared_memory, "FOLDERS", (missing, None))
    monkeypatch.setattr("tempfile.tempdir", spare)
    assert folder_of(Shared(1000, 2)) == spare


@needs_proc
def test_every_byte_is_reserved_before_it_is_written(spare, monkeypatch):
    monkeypatch.setattr(shared_memory, "FOLDERS", (spare,))
    shared = Shared(100_000, 2)
    assert os.fstat(shared._memory.fileno()).st_blocks * 512 >= sum(array.length for array in shared._memory.layout)


def test_without_any_folder_one_line_says_what_to_do(missing, monkeypatch):
    monkeypatch.setattr(shared_memory, "FOLDERS", (missing, missing + "2"))
    with pytest.raises(OSError) as raised:
        Shared(1_000_000, 2)
    needed = (2 * 4_000_000 + 64) / 1e6                                  # theta, statistics, T; no target
    assert str(raised.value) == (f"no {needed:.1f} MB of shared memory ({missing}: Not a directory; {missing}2: "
                                 f"Not a directory): {ADVICE}")


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_reservation_that_fails_leaves_no_file(spare, monkeypatch, fault):
    def fails(*_):
        raise fault

    before = open_files()
    monkeypatch.setattr(shared_memory, "FOLDERS", (spare,))
    monkeypatch.setattr(os, "posix_fallocate", fails)
    with pytest.raises((OSError, KeyboardInterrupt)):
        Shared(1000, 2)
    assert open_files() == before and os.listdir(spare) == []


def open_files():
    folder = Path("/proc/self/fd")
    return len(list((folder if folder.exists() else Path("/dev/fd")).iterdir()))


@needs_proc
def test_fifty_runs_in_one_process_give_everything_back():
    def mapped():
        return [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("(deleted)")]

    files, maps = open_files(), mapped()
    held = Shared(100_000, 2)
    assert open_files() > files and len(mapped()) == len(maps) + 1
    del held
    for _ in range(50):
        Shared(100_000, 2).theta[:] = 1
        assert open_files() == files and mapped() == maps


@needs_proc
def test_trainings_in_one_process_give_everything_back():
    def held():
        maps = Path("/proc/self/maps").read_text().splitlines()
        return open_files(), sum(line.endswith("(deleted)") for line in maps)

    after = []
    for seed in range(3):
        agent = Agent("Corridor", workers=1, seed=seed)
        agent.learn(300)
        del agent
        after.append(held())
    assert after[1] == after[0] and after[2] == after[0]                 # the first one starts the server


def test_an_array_outlives_what_it_came_from():
    theta = Shared(100_000, 2).theta
    theta[:] = np.arange(100_000)
    assert theta.sum(dtype=np.int64) == 100_000 * 99_999 // 2


def start(program, **environment):
    environment = os.environ | environment
    return subprocess.Popen([sys.executable, "-c", program], env=environment, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("where", ["memory", "temporary"])
def test_kill_9_leaves_no_file(missing, spare, where):
    folder = Path("/dev/shm" if where == "memory" else spare)
    if not os.access(folder, os.W_OK) or shutil.disk_usage(folder).free < 10**7:
        pytest.skip(f"no room in {folder}")
    folders = ("/dev/shm",) if where == "memory" else (missing, None)
    process = start(HOLD.format(folders=folders), TMPDIR=spare)
    device, inode, names, length = map(int, process.stdout.readline().split())
    assert names == 0 and length >= 400_000 and device == folder.stat().st_dev
    assert os.listdir(spare) == []
    process.send_signal(signal.SIGKILL)
    assert process.communicate(timeout=SECONDS)[1] == "" and process.returncode == -signal.SIGKILL
    assert os.listdir(spare) == []
    assert inode not in [entry.inode() for entry in os.scandir(folder)]  # others' files come and go meanwhile


@pytest.mark.long
def test_training_goes_on_in_the_temporary_folder(missing, spare, tmp_path):
    out = tmp_path / "run"
    process = start(TRAIN.format(folders=(missing, None), limit=0, out=str(out)), TMPDIR=spare)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    assert (out / "final.npz").exists() and os.listdir(spare) == []
    for word in ("Traceback", "resource_tracker", "leaked", "Warning"):
        assert word not in errors


def test_training_that_finds_no_memory_ends_in_one_line(missing, spare, tmp_path):
    """No file may grow beyond 16 KB, so the system itself refuses."""
    process = start(TRAIN.format(folders=(missing, None), limit=16384, out=str(tmp_path / "run")), TMPDIR=spare)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1, errors
    line = re.escape(f" MB of shared memory ({missing}: Not a directory; {spare}: File too large): {ADVICE}")
    assert re.fullmatch(r"a3c-numba: error: no 0\.\d" + line, errors.splitlines()[-1])
    assert "Traceback" not in errors and errors.count("error") == 1 and os.listdir(spare) == []
