"""A run's folder under the feet of a run: another run in it, tables, checkpoints and settings that were changed."""

import dataclasses
import errno
import gc
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from a3c_numba import Agent
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder, default_checkpoint
from a3c_numba.system import directory_lock
from a3c_numba.system.directory_lock import exclusive_lock
from tests.faults.runs import Run, servers_of, until
from tests.faults.test_checkpoints import at, held, python, spoiled, started
from tests.programs import program
from tests.runs.test_run_folder import rows

pytestmark = pytest.mark.faults
GATED = "tests.faults.gates:Gated-v0"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run that has ended; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert program("train", "Catch", "--workers", 1, "--total-steps", 1500, "--out", folder) == 0
    return folder


@pytest.fixture
def finished(trained, tmp_path):
    """The same, of this test's own."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def resumed(folder, capsys, steps=3000):
    """Its warnings, but for the one that every longer run has."""
    assert program("train", "--resume", folder, "--total-steps", steps) == 0
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if "warning" in line and "the learning rate was" not in line]


def test_a_folder_in_use_is_refused_and_left_alone(finished, capsys):
    (finished / ".latest.npz.123.tmp").write_text("half of a checkpoint")
    before = contents(finished)
    with exclusive_lock(finished):
        for command in (["--resume", finished, "--total-steps", 3000], ["Catch", "--out", finished, "--overwrite"],
                        ["Catch", "--out", finished]):
            assert program("train", *command) == 2
            assert capsys.readouterr().err == f"a3c-numba: error: {finished} is in use by another run\n"
        with pytest.raises(ValueError, match="in use by another run"):
            Agent("Catch", workers=1).learn(100, out=finished)
        assert program("sweep", "Catch", "--learning-rate", "1e-3", "--runs", 1, "--out", finished) == 2
        assert program("speedup", "Catch", "--target-score", 1, "--out", finished) == 2
    assert contents(finished) == before
    assert not resumed(finished, capsys)


def test_a_run_gives_its_folder_back_however_it_ends(finished, tmp_path, capsys):
    for command in (["--resume", finished], ["Catch", "--out", finished]):           # it has ended; it holds a run
        assert program("train", *command) == 2
        with exclusive_lock(finished):
            pass
    agent = Agent("Catch", workers=1)
    for how in (agent.learn, agent.learn):                                           # it holds a run the second time
        try:
            how(100, out=tmp_path / "other")
        except ValueError as error:
            assert "already holds a run" in str(error)
        with exclusive_lock(tmp_path / "other"):
            pass


@pytest.mark.parametrize("how", ["no module", "no locks", "unreadable"])
def test_where_there_are_no_locks_runs_go_on_without(finished, capsys, monkeypatch, how):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")
    if how == "no module":
        monkeypatch.setattr(directory_lock, "fcntl", None)
    elif how == "no locks":
        monkeypatch.setattr(directory_lock.fcntl, "flock", refuse)
    else:
        monkeypatch.setattr("os.open", lambda *_, opened=os.open: refuse() if _[0] == finished else opened(*_))
    assert not resumed(finished, capsys)


def test_no_descriptor_is_left_open(tmp_path):
    gc.collect()                                                         # or it closes those of earlier tests meanwhile
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with exclusive_lock(tmp_path), pytest.raises(ValueError), exclusive_lock(tmp_path):
            pass
    assert len(os.listdir("/dev/fd")) == before


FORKED = """
from a3c_numba.system.directory_lock import exclusive_lock
folder = Path(sys.argv[1])
with exclusive_lock(folder):
    if not os.fork():
        if sys.argv[2] == "goes on":
            print("forked", flush=True)
            sys.stdin.read()
            os._exit(0)
        sys.exit()                                                       # out of the block
    if sys.argv[2] == "leaves":
        os.wait()
        print("forked", flush=True)
    signal.pause()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("what", ["goes on", "leaves"])
def test_a_program_that_forked_keeps_its_folder_until_it_ends(tmp_path, what):
    """Whatever becomes of the fork."""
    with python(FORKED, tmp_path, what, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == "forked\n"
            with pytest.raises(ValueError, match="in use"), exclusive_lock(tmp_path):
                pass
        finally:
            process.kill()
        process.wait()
        with exclusive_lock(tmp_path):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.long
def test_two_runs_never_share_a_folder_and_kill_9_frees_it(tmp_path, capsys):
    """Also while the workers of the run that was killed still live: here they and their server are stopped."""
    with Run(tmp_path, GATED, "--workers", 2, "--total-steps", 10**8, "--checkpoint-seconds", 0.5) as run:
        run.trains(workers=2)
        until((run.out / "latest.npz").exists)
        for command in (["--resume", run.out], ["--out", run.out, "--overwrite"]):
            assert program("train", GATED, *command) == 2
            assert "in use by another run" in capsys.readouterr().err
        episodes = len(run.episodes())
        until(lambda: len(run.episodes()) > episodes)                    # nothing has befallen it
        left = [*servers_of(run.process.pid), *run.workers()]
        for pid in left:
            os.kill(pid, signal.SIGSTOP)
            open_files = [os.path.realpath(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
            assert open_files and os.path.realpath(run.out) not in open_files
        run.process.kill()
        run.process.wait()
        assert all(os.path.exists(f"/proc/{pid}") for pid in left)
        with Run(tmp_path, GATED, resume=True) as second:
            episodes = len(second.episodes())
            until(lambda: len(second.workers()) == 2 and len(second.episodes()) > episodes)
            second.process.send_signal(signal.SIGINT)
            code, err = second.ended()
    assert code == 130 and "in use" not in err and load(run.out / "latest.npz").global_step > 0


@pytest.mark.parametrize("content", [b"", None, b"\0\xff\r\n1,2\r\n"], ids=["empty", "missing", "spoiled"])
def test_damaged_tables_do_not_keep_a_run_from_going_on(finished, capsys, content):
    for name in ("progress.csv", "episodes.csv"):
        (finished / name).unlink()
        if content is not None:
            (finished / name).write_bytes(content)
    lines = resumed(finished, capsys)
    assert len(lines) == 2 and all("a new table is started" in line for line in lines)
    assert [row["event"] for row in rows(finished / "events.csv")] == [line.split("warning: ")[1] for line in lines]
    for name in ("progress.csv", "episodes.csv"):
        assert content is None or (finished / f"{name}.damaged").read_bytes() == content
        assert int(rows(finished / name)[-1]["global_step"]) > 1500
    assert load(finished / "final.npz").global_step >= 3000


def test_rows_that_are_no_numbers_do_not_prevent_resuming(finished, capsys):
    before = rows(finished / "episodes.csv")
    lines = (finished / "episodes.csv").read_bytes().split(b"\r\n")
    lines[5:5] = [b"\0\x80", b"1,2,3", b"1.5,45,0,high,9", b"1.5,many,0,1,9"]
    (finished / "episodes.csv").write_bytes(b"\r\n".join(lines))
    said = resumed(finished, capsys)
    assert len(said) == 1 and "4 unreadable lines" in said[0] and "episodes.csv.damaged" in said[0]
    assert rows(finished / "episodes.csv")[:len(before)] == before


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_a_checkpoint_that_was_refused_pushes_out_no_good_one(tmp_path, monkeypatch, keep):
    """Not even with a death between the rotation and the new checkpoint, and for a run that now keeps fewer."""
    folder = started(tmp_path / "run", 1, 2)
    spoiled(folder.path / "latest.npz", "0.5")
    damaged = (folder.path / "latest.npz").read_bytes()
    assert folder.load_latest()[0].global_step == 1
    folder.quarantine_rejected()
    assert len(folder.events.events) == 1
    assert "latest.npz is now called latest.npz.refused" in folder.events.sentences()[0]
    assert (folder.path / "latest.npz.refused").read_bytes() == damaged and not (folder.path / "latest.npz").exists()

    def die(*_):
        raise KeyboardInterrupt
    with monkeypatch.context() as death, pytest.raises(KeyboardInterrupt):
        death.setattr("a3c_numba.system.atomic_file.rename_and_fsync", die)
        folder.save(at(3), keep)
    assert folder.load_latest()[0].global_step == 1
    folder.save(at(4), keep)
    folder.save(at(5), keep)
    assert held(folder) == [5, 4, 1][:keep]


def test_a_second_one_that_is_refused_does_not_replace_the_first(tmp_path):
    folder = started(tmp_path / "run", 1)
    for name in ("latest.npz.refused", "latest.npz.refused-2", "latest.npz.refused-3"):
        folder.save(at(2))
        spoiled(folder.path / "latest.npz", "0.5")
        folder.load_latest()
        folder.quarantine_rejected()
        assert folder.events.drain()[0].sentence.endswith(f" {name}")
    assert sorted(path.name for path in folder.path.glob("latest*")) == [
        "latest-1.npz", "latest.npz.refused", "latest.npz.refused-2", "latest.npz.refused-3"]


def test_where_none_is_good_none_is_renamed(tmp_path):
    folder = started(tmp_path / "run", 1, 2)
    for name in ("latest.npz", "latest-1.npz"):
        spoiled(folder.path / name, "0.5")
    before = contents(folder.path)
    with pytest.raises(ValueError):
        RunFolder(folder.path).load_latest()
    assert contents(folder.path) == before


def test_a_final_checkpoint_outlives_a_damaged_latest_one(finished, capsys, monkeypatch):
    folder = RunFolder(finished)
    newest, final = load(finished / "latest.npz"), (finished / "final.npz").read_bytes()
    folder.save(dataclasses.replace(newest, global_step=1000))           # so that there is one before it
    folder.save(newest)
    spoiled(finished / "latest.npz", "0.5")
    (finished / "final.npz").write_bytes(final)
    before = contents(finished)
    assert program("train", "--resume", finished, "--total-steps", 900) == 2 and contents(finished) == before
    monkeypatch.setattr("a3c_numba.agent_training.Trainer._watch",
                        lambda self: (_ for _ in ()).throw(OSError("no memory")))
    assert program("train", "--resume", finished, "--total-steps", 3000) == 1
    assert "latest.npz.refused" in capsys.readouterr().err and (finished / "final.npz").read_bytes() == final


@pytest.mark.long
def test_edited_settings_are_ignored_with_a_warning(finished, capsys):
    config = finished / "config.json"
    assert resumed(finished, capsys) == []                               # and total_steps is another one from now on
    assert resumed(finished, capsys, 4500) == []
    whole = config.read_text()
    config.write_text(whole.replace('"seed": 0', '"seed": 7').replace('"env": "Catch"', '"env": "Memory"'))
    said = resumed(finished, capsys, 6000)
    assert len(said) == 1 and "config.json was changed (env, seed)" in said[0]
    for content in ("", whole[:-20], whole.replace('"a3c"', '"b4d"')):
        config.write_text(content)
        said = resumed(finished, capsys, load(finished / "final.npz").global_step + 100)
        assert len(said) == 1 and "config.json cannot be read" in said[0]


@pytest.mark.parametrize("content", [b"[" * 200_000, b"", b"\xff", None], ids=["deep", "empty", "no text", "missing"])
def test_without_config_json_the_checkpoint_names_the_env(finished, capsys, content):
    config = finished / "config.json"
    config.unlink() if content is None else config.write_bytes(content)
    assert program("train", "Memory", "--resume", finished, "--total-steps", 3000) == 2
    assert "with Catch: the environment cannot become Memory" in capsys.readouterr().err
    assert program("train", "Catch", "--resume", finished, "--total-steps", 3000) == 0
    assert load(finished / "final.npz").global_step >= 3000 and "config.json cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"[]", b'{"env": "Memory"}'], ids=lambda content: ascii(content[:20]))
def test_an_env_not_in_config_json_is_refused_in_one_line(finished, capsys, content):
    (finished / "config.json").write_bytes(content)
    before = contents(finished)
    assert program("train", "Catch", "--resume", finished, "--total-steps", 3000) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and ("does not say which" in err or "cannot become Catch" in err) and len(err) < 500
    assert contents(finished) == before


def test_after_a_quarantine_the_checkpoint_before_is_the_agent(tmp_path):
    folder = started(tmp_path / "run", 1, 2)
    spoiled(folder.path / "latest.npz", "0.5")
    folder.load_latest()
    folder.quarantine_rejected()
    assert default_checkpoint(folder.path) == folder.path / "latest-1.npz"


def test_a_folder_named_like_a_checkpoint_is_refused_in_one_line(finished, capsys):
    (finished / "latest.npz").unlink()
    (finished / "latest.npz").mkdir()
    before = sorted(finished.iterdir())
    for command in (["--resume", finished, "--total-steps", 3000], ["Catch", "--out", finished, "--overwrite"]):
        assert program("train", *command) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "latest.npz is a folder" in err
    assert sorted(finished.iterdir()) == before
