"""What befalls a run's folder: a full disk, a death at every moment of a write, files that something has damaged."""

import csv
import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.core.networks import MLP
from a3c_numba.runs.checkpoint import CheckpointError, load, load_fitting
from a3c_numba.runs.run_folder import RunFolder
from tests.programs import chances
from tests.runs.test_checkpoint import some

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
PRELUDE = "from tests.faults.test_checkpoints import *\n"


def at(step, hidden=2):
    """A checkpoint whose theta says of which step it is."""
    checkpoint = some(hidden=hidden)
    return dataclasses.replace(checkpoint, global_step=step, theta=np.full_like(checkpoint.theta, step))


def is_whole(checkpoint):
    return bool((checkpoint.theta == checkpoint.global_step).all())


def started(path, *steps, keep=3):
    """A run's folder with the checkpoints of these steps."""
    folder = RunFolder(path)
    folder.create("{}")
    for step in steps:
        folder.save(at(step), keep)
    return folder


def held(folder):
    """The steps of the checkpoints, the newest first."""
    return [load(folder.path / name).global_step for name in ("latest.npz", *folder._older())]


def python(text, *arguments, **pipes):
    """A process of its own that runs this text."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PRELUDE + text, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)


def finished(process, timeout=120):
    """What the process wrote, once it has ended well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err[-2000:]
    return out


def test_the_last_ones_are_kept(tmp_path):
    folder = started(tmp_path / "run", 1, 2)
    assert held(folder) == [2, 1]
    for step in range(3, 7):
        folder.save(at(step))
    assert held(folder) == [6, 5, 4]
    folder.save(at(7), keep=4)
    assert held(folder) == [7, 6, 5, 4]
    folder.save(at(8), keep=2)
    assert held(folder) == [8, 7]
    folder.save(at(9), keep=1)
    assert held(folder) == [9]
    assert sorted(path.name for path in folder.path.iterdir() if "npz" in path.name) == ["latest.npz"]


def test_file_systems_without_links_are_served_by_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")
    monkeypatch.setattr("os.link", refuse)
    assert held(started(tmp_path / "run", 1, 2, 3, 4)) == [4, 3, 2]


FULL = """
import resource
folder = RunFolder(Path(sys.argv[1]))
whole = len((folder.path / "latest.npz").read_bytes())
before = {path: path.read_bytes() for path in folder.path.iterdir()}
for limit in [0, 1, 100, whole // 2, whole - 1]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for write in (lambda: folder.save(at(3)), lambda: checkpoints.save(folder.path / "best.npz", at(3))):
        try:
            write()
            sys.exit(f"no error at {limit}")
        except OSError as error:
            assert error.errno == errno.EFBIG, error
    assert before == {path: path.read_bytes() for path in folder.path.iterdir()}
    assert folder.load_latest()[0].global_step == 2
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
folder.save(at(3))
"""


def test_a_disk_full_at_any_byte_leaves_only_old_checkpoints(tmp_path):
    folder = started(tmp_path / "run", 1, 2)
    finished(python("import errno\nfrom a3c_numba.runs import checkpoint as checkpoints\n" + FULL, folder.path,
                    stderr=subprocess.PIPE))
    assert held(folder) == [3, 2, 1]


ROWS = """
import resource
folder = RunFolder(Path(sys.argv[1]))
for episode in range(60):
    size = (folder.path / "episodes.csv").stat().st_size
    limit = size + episode % 14 if 10 <= episode < 50 else resource.RLIM_INFINITY         # rows have 15 bytes and more
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    folder.append_episodes([(episode / 2, episode, 0, 1.25, 7)])
    folder.append_event(episode / 2, episode, "a line, with a comma")
    content = (folder.path / "episodes.csv").read_bytes()
    assert content.endswith(b"\\r\\n") and (len(content) == size) == (10 <= episode < 50)
for line in folder.events.sentences():
    print(line)
"""


def test_rows_that_a_full_disk_refuses_are_written_later(tmp_path):
    """All of them, in order, none twice and none in part; one warning when it begins and one when it ends."""
    folder = started(tmp_path / "run")
    lines = finished(python(ROWS, folder.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)).splitlines()
    for name in ("episodes.csv", "events.csv"):
        with open(folder.path / name, newline="") as file:
            assert [int(row["global_step"]) for row in csv.DictReader(file)] == list(range(60))
        about = [line for line in lines if name in line]
        assert "cannot write" in about[0] and "File too large" in about[0] and "again" in about[1] and len(about) == 2


SAVER = """
folder, step = RunFolder(Path(sys.argv[1])), int(sys.argv[2])
checkpoint = at(step, 300)
reported = os.open(folder.path / "reported", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for line in sys.stdin:
    step, pid = int(line), os.fork()
    while not pid:
        step += 1
        checkpoint.global_step = step
        checkpoint.theta[:] = step
        folder.save(checkpoint)
        os.pwrite(reported, b"%12d" % step, 0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("dead", flush=True)
"""


def writing(folder):
    return any(path.name.endswith(".tmp") for path in folder.path.iterdir())


def stopped_while_writing(pid, folder, rng):
    """Stop the process at a moment at which it writes; such moments are waited for."""
    while True:
        time.sleep(rng.uniform(0, 0.02))
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            time.sleep(0.001)
        if writing(folder):
            return
        os.kill(pid, signal.SIGCONT)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_kill_9_while_a_checkpoint_is_written_twenty_times(tmp_path):
    """The checkpoint before it always loads, or the one that was being written; of the dead nothing stays."""
    folder, rng = started(tmp_path / "run"), random.Random(0)
    folder.save(at(0, 300))
    checkpointer = python(SAVER, folder.path, 0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    step, reported = 0, folder.path / "reported"
    for death in range(20):
        print(step, file=checkpointer.stdin, flush=True)
        pid = int(checkpointer.stdout.readline())
        stopped_while_writing(pid, folder, rng)
        if death % 2:                                                    # at once, or somewhere in what comes next
            os.kill(pid, signal.SIGCONT)
            time.sleep(rng.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        assert checkpointer.stdout.readline() == "dead\n"
        assert death % 2 or writing(folder)                              # what it was writing is still there
        said = int(reported.read_text() or 0)
        checkpoint, lines = folder.load_latest()
        assert is_whole(checkpoint) and lines == [] and checkpoint.global_step in (max(said, step), max(said, step) + 1)
        assert not writing(folder) and all(is_whole(load(folder.path / name)) for name in folder._older())
        step = checkpoint.global_step
    checkpointer.stdin.close()
    assert checkpointer.wait(60) == 0 and step > 0


EVERY_LINE = """
import shutil
if sys.argv[2] == "copies":
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")
    os.link = refuse
watched = {"checkpoint.py", "npz.py", "atomic_file.py", "run_folder.py"}
count = 0

def trace(frame, event, _):
    global count
    if os.path.basename(frame.f_code.co_filename) not in watched:
        return None
    count += event == "line"
    if count == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return trace

start, last, ways = Path(sys.argv[1]), 0, set()
while True:
    last += 1
    folder = RunFolder(start.with_name(f"death{last}"))
    shutil.copytree(start, folder.path)
    pid = os.fork()
    if not pid:
        sys.settrace(trace)
        folder.save(at(5))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    found = held(folder)
    assert found[0] in (4, 5) and is_whole(load(folder.path / "latest.npz")), (last, found)
    assert {4, 3} <= set(found) and found == sorted(found, reverse=True), (last, found)
    assert folder.load_latest() and not writing(folder), last
    folder.save(at(6))
    after = held(folder)
    assert after[:2] == [6, found[0]] and len(after) == 3, (last, found, after)
    assert after == sorted(after, reverse=True), (last, found, after)
    ways.add(tuple(found))
    shutil.rmtree(folder.path)
    if status == 0:
        break
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
assert last > 30 and (4, 3, 2) in ways and found == [5, 4, 3], (last, ways)
print(last, sorted(ways))
"""


@pytest.mark.parametrize("how", ["links", "copies"])
@pytest.mark.long
def test_death_at_every_line_of_a_save(tmp_path, how):
    """latest.npz is whole after each, and the next process saves and rotates as if nothing had been."""
    folder = started(tmp_path / "run", 1, 2, 3, 4)
    finished(python(EVERY_LINE, folder.path, how, stdout=subprocess.PIPE, stderr=subprocess.PIPE))


def spoiled(path, how):
    whole = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "flipped":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:])
    else:
        path.write_bytes(whole[:int(float(how) * len(whole))])


@pytest.mark.parametrize("how", ["missing", "flipped", "0", "0.5", "0.999"])
def test_what_is_damaged_is_passed_over_loudly(tmp_path, how):
    folder = started(tmp_path / "run", 1, 2, 3)
    spoiled(folder.path / "latest.npz", how)
    checkpoint, lines = folder.load_latest()
    assert checkpoint.global_step == 2 and is_whole(checkpoint) and len(lines) == 1 and "\n" not in lines[0]
    assert lines[0].startswith(str(folder.path / "latest.npz: "))
    assert lines[0].endswith("going on from latest-1.npz, step 2")
    spoiled(folder.path / "latest-1.npz", "0.5")
    checkpoint, lines = folder.load_latest()
    assert checkpoint.global_step == 1 and [line.split(": ")[0] for line in lines] == [
        str(folder.path / "latest.npz"), str(folder.path / "latest-1.npz")]
    spoiled(folder.path / "latest-2.npz", how)
    with pytest.raises(CheckpointError) as error:
        folder.load_latest()
    assert all(str(folder.path / name) in str(error.value) for name in ("latest.npz", "latest-1.npz"))


def test_one_without_statistics_or_of_another_network_is_skipped(tmp_path):
    folder = started(tmp_path / "run", 1)
    folder.save(dataclasses.replace(at(2), statistics=None))
    other = at(3, 5)
    config = dataclasses.replace(other.config, network=MLP(hidden=4))
    folder.save(dataclasses.replace(other, config=config))
    checkpoint, lines = folder.load_latest()
    assert checkpoint.global_step == 1 and "another network" in lines[0] and "for use only" in lines[1]


def test_an_environment_that_is_given_is_the_one_that_counts(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save(some(chances))
    with pytest.raises(CheckpointError, match="give env="):
        folder.load_latest()
    assert folder.load_latest(chances)[0].config.env is chances


def test_one_that_was_damaged_does_not_push_the_good_ones_out(tmp_path):
    folder = started(tmp_path / "run", 1, 2, 3)
    spoiled(folder.path / "latest.npz", "0.5")
    folder.save(at(4))
    assert load_fitting(folder.path / "latest.npz").global_step == 4
    assert load_fitting(folder.path / "latest-2.npz").global_step == 2


def test_tidying_removes_what_the_dead_left_and_nothing_else(tmp_path):
    folder = started(tmp_path / "run", 1, 2)
    before = {path.name for path in folder.path.iterdir()}
    stale = [".latest.npz.123.tmp", ".latest-1.npz.7.tmp", ".best.npz.99.tmp", ".final.npz.1.tmp",
             ".progress.csv.2.tmp", ".episodes.csv.2.tmp", ".curve.png.123.tmp"]
    others = [".mine.npz.123.tmp", "notes.tmp", ".hidden", ".curve.png.tmp", "curve.png"]
    for name in stale + others:
        (folder.path / name).write_bytes(b"half")
    folder.remove_temporaries()
    assert {path.name for path in folder.path.iterdir()} == before | set(others)
    RunFolder(tmp_path / "nowhere").remove_temporaries()
    assert not (tmp_path / "nowhere").exists()
