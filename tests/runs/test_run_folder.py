"""A run's folder: what is in it, what protects it, and how a resumed run goes on with it."""

import contextlib
import csv
import dataclasses
import errno
import os

import numpy as np
import pytest

from a3c_numba.runs import replaced_run
from a3c_numba.runs.checkpoint import load, write
from a3c_numba.runs.csv_log import encode_rows
from a3c_numba.runs.progress import Progress
from a3c_numba.runs.run_folder import EPISODE_COLUMNS, RunFolder, RunFolderError
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import small


def progress(step, mean=0.5):
    return Progress(step / 10, step, 10.0, 3, mean, 0.6, 0.1, 1.5, 7e-4, 30, 0, 3, 0)


def checkpoint(step):
    return dataclasses.replace(initial_checkpoint(small()), global_step=step)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    run = RunFolder(tmp_path / "deep" / "run")
    run.create("{}")
    for step in (100, 200, 300):
        run.append_progress(progress(step))
        run.append_episodes([(step / 10, step, 0, step / 100, 12), (step / 10, step + 1, 1, -0.5, 5)])
    return run


def refused(call, *arguments):
    with pytest.raises(RunFolderError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tables_have_headers_and_rows(folder):
    assert (folder.path / "config.json").read_text() == "{}\n"
    table = rows(folder.path / "progress.csv")
    assert tuple(table[0]) == Progress._fields and [row["global_step"] for row in table] == ["100", "200", "300"]
    table = rows(folder.path / "episodes.csv")
    assert tuple(table[0]) == EPISODE_COLUMNS and list(table[1].values()) == ["10", "101", "1", "-0.5", "5"]


def test_high_scores_keep_their_digits(folder):
    folder.append_episodes([(1.0, 301, 0, 1_234_567.0, 9)])
    assert folder.cut_after(1000)[-1] == 1_234_567.0


def test_no_score_yet_is_nan(folder):
    folder.append_progress(progress(400, float("nan")))
    assert np.isnan(float(rows(folder.path / "progress.csv")[-1]["mean_score"]))


def test_a_folder_with_a_run_is_refused_and_left_alone(folder):
    before = {path: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(RunFolderError) as error:
        folder.create("other")
    for line, words in ((str(error.value), ["Agent.resume("]), (error.value.typed, ["--resume", "--overwrite"])):
        assert str(folder.path) in line and all(word in line for word in words) and "\n" not in line
    assert "--" not in str(error.value)
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_overwriting_removes_the_old_run_and_nothing_else(folder):
    for name in ("latest.npz", "best.npz", "final.npz", "curve.png", "evaluation.json", "notes.txt"):
        (folder.path / name).write_text("old")
    folder.create("new", overwrite=True)
    assert folder.discard_replaced() == []
    replaced_run.remove_discarded(folder.path)                           # as the first checkpoint does
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["config.json", "episodes.csv", "events.csv", "notes.txt", "progress.csv"]
    assert (folder.path / "config.json").read_text() == "new\n" and not rows(folder.path / "episodes.csv")


def test_an_old_run_outlives_a_new_one_interrupted_at_its_begin(folder):
    """Also after it was given up: only the first checkpoint deletes it."""
    (folder.path / "latest.npz").write_text("old")
    before = contents(folder.path)
    folder.create("new", overwrite=True)
    folder.discard_replaced()
    (folder.path / "replay.bin").write_text("the new run's")
    folder.undo_create()
    assert contents(folder.path) == before


def contents(path):
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def whole(folder):
    """The folder with a checkpoint, a memory and a file that is no run's, and its contents."""
    for name in ("latest.npz", "replay.bin", "notes.txt"):
        (folder.path / name).write_text("old")
    return folder, contents(folder.path)


def test_a_new_run_that_is_refused_gives_the_old_one_back(whole):
    folder, before = whole
    folder.create("new", overwrite=True)
    (folder.path / "replay.bin").write_text("new")
    folder.undo_create()
    assert contents(folder.path) == before and not list(folder.path.glob(".*"))


def test_a_new_run_that_saves_its_memory_gets_the_old_ones_room(whole):
    folder, before = whole
    folder.create("new", overwrite=True, saves_replay=True)
    assert not list(folder.path.rglob("replay.bin"))
    folder.undo_create()
    del before[(folder.path / "replay.bin").relative_to(folder.path)]
    assert contents(folder.path) == before


def test_the_old_run_outlives_a_new_one_without_a_checkpoint(whole):
    folder, before = whole
    folder.create("new", overwrite=True)
    folder.discard_replaced()
    (folder.path / "best.npz").write_text("new")
    again = RunFolder(folder.path)
    assert "already holds a run" in refused(again.create, "{}")
    assert contents(folder.path) == before and not list(folder.path.glob(".*"))


def test_the_first_checkpoint_deletes_the_old_run(whole):
    folder, _ = whole
    folder.create("new", overwrite=True)
    folder.discard_replaced()
    folder.save(checkpoint(5))
    assert not RunFolder(folder.path).put_back() and not list(folder.path.glob(".*"))
    assert load(folder.path / "latest.npz").global_step == 5


def test_on_a_full_disk_the_old_run_gives_its_room(whole, monkeypatch):
    folder, _ = whole
    folder.create("new", overwrite=True)
    folder.discard_replaced()

    def full(path, kept):
        if (folder.path / replaced_run.DISCARDED).exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, kept)
    monkeypatch.setattr("a3c_numba.runs.run_folder.write", full)
    folder.save(checkpoint(5))
    assert load(folder.path / "latest.npz").global_step == 5 and not list(folder.path.glob(".*"))


@pytest.mark.parametrize("moved", [0, 2, 5, None])
def test_the_old_run_outlives_a_death_before_the_new_one(whole, monkeypatch, moved):
    """The process dies once so many files are moved, or with the new run's made."""
    folder, before = whole
    calls, replace = [], os.replace

    def dies(old, new):
        if len(calls) == moved:
            raise KeyboardInterrupt
        calls.append(replace(old, new))
    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr("os.replace", dies)
        folder.create("new", overwrite=True)
    assert contents(folder.path) != before or moved == 0
    assert "already holds a run" in refused(RunFolder(folder.path).create, "{}")
    assert contents(folder.path) == before


def test_an_old_run_that_cannot_be_moved_stays(whole, monkeypatch):
    folder, before = whole
    calls, replace = [], os.replace

    def full(old, new):
        calls.append(old)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        replace(old, new)
    monkeypatch.setattr("os.replace", full)
    assert "No space left" in refused(folder.create, "new", True)
    assert contents(folder.path) == before


def test_a_death_while_the_old_run_is_deleted_leaves_nothing(whole, monkeypatch):
    folder, before = whole
    folder.create("new", overwrite=True)
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", lambda *_, **named: None)
        folder.discard_replaced()
    assert len(contents(folder.path)) > len(before)
    folder.remove_temporaries()
    names = {str(name) for name in contents(folder.path)}
    assert names == {"config.json", "episodes.csv", "events.csv", "progress.csv", "notes.txt"}


def test_an_empty_or_foreign_folder_takes_a_run(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder(tmp_path).create("{}")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        assert str(path) in refused(RunFolder(path).create, "{}")
    assert (tmp_path / "file").read_text() == ""


def test_cutting_drops_what_a_resumed_run_writes_again(folder):
    assert folder.cut_after(200) == [1.0, -0.5, 2.0]
    assert [row["global_step"] for row in rows(folder.path / "progress.csv")] == ["100", "200"]
    assert [row["global_step"] for row in rows(folder.path / "episodes.csv")] == ["100", "101", "200"]
    folder.append_progress(progress(250))
    assert rows(folder.path / "progress.csv")[-1]["global_step"] == "250"


def test_cutting_drops_a_row_that_was_cut_while_it_was_written(folder):
    with open(folder.path / "episodes.csv", "a") as file:
        file.write("31.5,4")
    assert len(folder.cut_after(1000)) == 6 and len(rows(folder.path / "episodes.csv")) == 6


@pytest.mark.parametrize("name, kept", [("progress.csv", [1.0, -0.5, 2.0, -0.5, 3.0, -0.5]), ("episodes.csv", [])])
@pytest.mark.parametrize("content", [b"", b"a,b\r\n1,2\r\n", b"\0" * 100, b"\xff\xfe\r\n", b"seconds,global_st"],
                         ids=lambda content: ascii(content[:20]))
def test_a_table_without_its_header_is_kept_beside_a_new_one(folder, name, kept, content):
    for which in (f"{name}.damaged", f"{name}.damaged-2"):
        (folder.path / name).write_bytes(content)
        assert folder.cut_after(1000) == kept
        assert (folder.path / which).read_bytes() == content and rows(folder.path / name) == []
        said = folder.events.sentences()
        assert len(said) == 1 and which in said[0] and "\n" not in said[0]
        folder.events.drain()
    folder.append_progress(progress(400))
    folder.append_episodes([(40.0, 400, 0, 1.0, 3)])
    assert folder.cut_after(1000)[-1] == 1.0 and folder.events.sentences() == []


@pytest.mark.parametrize("old, new", [(b"seconds", b"seconcs"), (b"global_step", b"global\xffstep"),
                                      (b"se", b"\xef\xbb\xbfse"), (b"global_step,", b"global_step;"),
                                      (b",length", b",\0\0\0\0\0\0")], ids=ascii)
def test_rows_below_a_spoiled_first_line_are_kept(folder, old, new):
    path = folder.path / "episodes.csv"
    whole = path.read_bytes()
    spoiled = whole.replace(old, new, 1)
    path.write_bytes(spoiled + b"15,150,0,1.5\r\n")
    assert folder.cut_after(1000) == [1.0, -0.5, 2.0, -0.5, 3.0, -0.5] and path.read_bytes() == whole
    assert (folder.path / "episodes.csv.damaged").read_bytes() == spoiled + b"15,150,0,1.5\r\n"
    said = folder.events.sentences()
    assert len(said) == 1 and "invalid header" in said[0] and "1 other" in said[0]


def test_a_first_line_without_its_end_loses_only_its_row(folder):
    path = folder.path / "episodes.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\x0b", 1))
    assert folder.cut_after(1000) == [-0.5, 2.0, -0.5, 3.0, -0.5]
    assert tuple(rows(path)[0]) == EPISODE_COLUMNS


def test_numbers_of_something_else_are_no_rows(folder):
    path = folder.path / "episodes.csv"
    path.write_bytes(b"time,x,y,z,n\r\n1,2,3,4,5\r\n")
    assert folder.cut_after(1000) == [] and rows(path) == []
    assert "a new table is started" in folder.events.sentences()[0] and (folder.path / "episodes.csv.damaged").exists()


@pytest.mark.parametrize("name, kept", [("progress.csv", [1.0, -0.5, 2.0, -0.5, 3.0, -0.5]), ("episodes.csv", [])])
def test_a_table_that_is_missing_begins_anew(folder, name, kept):
    (folder.path / name).unlink()
    assert folder.cut_after(1000) == kept and rows(folder.path / name) == []
    said = folder.events.sentences()
    assert len(said) == 1 and f"{name} was missing" in said[0]
    assert not list(folder.path.glob("*.damaged*"))


@pytest.mark.parametrize("line", [b"\0\xff\xfe\x80", b"15,150,0", b"15,150,0,1.5,12,7", b"15,x,0,1.5,12", b"",
                                  b"15,150,0,abc,12", b"15,-150,0,1.5,12", b"15," + b"9" * 5000 + b",0,1.5,12"],
                         ids=lambda line: ascii(line[:20]))
def test_rows_spoiled_in_the_middle_are_left_out_and_kept_beside(folder, line):
    path = folder.path / "episodes.csv"
    lines = path.read_bytes().split(b"\r\n")
    spoiled = b"\r\n".join([*lines[:3], line, line, *lines[3:]])
    path.write_bytes(spoiled)
    assert folder.cut_after(1000) == [1.0, -0.5, 2.0, -0.5, 3.0, -0.5]
    assert path.read_bytes() == b"\r\n".join(lines)
    assert (folder.path / "episodes.csv.damaged").read_bytes() == spoiled
    said = folder.events.sentences()
    assert len(said) == 1 and "episodes.csv has 2 unreadable lines" in said[0]


def test_a_table_is_on_the_disk_before_it_replaces_the_old_one(folder, monkeypatch):
    """After a power cut there is one or the other."""
    order, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr("os.fsync", lambda file: (order.append(os.fstat(file).st_ino), fsync(file)))
    monkeypatch.setattr("os.replace", lambda old, new: (order.append((os.stat(old).st_ino, new)), replace(old, new)))
    folder.cut_after(200)
    for name in ("progress.csv", "episodes.csv"):
        file = (folder.path / name).stat().st_ino
        assert order.index(file) < order.index((file, folder.path / name))


@pytest.mark.parametrize("name", ["best.npz", "episodes.csv", "evaluation.json"])
def test_a_folder_with_anything_of_a_run_is_refused(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunFolderError, match="already holds a run"):
        RunFolder(tmp_path).create("{}")
    assert (tmp_path / name).read_text() == "precious"


def test_an_older_checkpoint_is_refused_unless_overwritten(tmp_path):
    (tmp_path / "latest-7.npz").write_text("precious")
    with pytest.raises(RunFolderError, match="already holds a run"):
        RunFolder(tmp_path).create("{}")
    assert (tmp_path / "latest-7.npz").read_text() == "precious"
    RunFolder(tmp_path).create("{}", overwrite=True)
    assert not (tmp_path / "latest-7.npz").exists()


def test_events(folder):
    folder.append_event(1.5, 20, "worker 0 died, \"badly\"\nand again")
    assert rows(folder.path / "events.csv") == [
        {"seconds": "1.5", "global_step": "20", "event": "worker 0 died, \"badly\"\nand again",
         "worker": "", "kind": ""}]


def test_events_of_version_0_1_get_their_columns_on_resuming(folder):
    path = folder.path / "events.csv"
    path.write_bytes(b'seconds,global_step,event\r\n1.5,20,"worker 1 died, ""badly"""\r\n2.5,30,cut o')
    folder.cut_after(1000)
    folder.append_event(3.5, 40, "later", 2, "replaced")
    assert [tuple(row.values()) for row in rows(path)] == [
        ("1.5", "20", 'worker 1 died, "badly"', "", ""), ("2.5", "30", "cut o", "", ""),
        ("3.5", "40", "later", "2", "replaced")]
    before = path.read_bytes()
    folder.cut_after(1000)
    assert path.read_bytes() == before


EVENTS = [(1.5, 20, 'worker 0 died, "badly"\nand again', 0, "replaced"), (2.5, 30, "one, more", None, "no curve"),
          (3.5, 40, '"', None, "")]


def test_an_event_that_was_cut_off_anywhere_costs_no_other(folder):
    """In a number, between two cells, in a text with quotes, commas and ends of lines in it."""
    path = folder.path / "events.csv"
    before = path.stat().st_size
    for event in EVENTS:
        folder.append_event(*event)
    whole = path.read_bytes()
    expected = rows(path)
    for end in range(before, len(whole) + 1):
        path.write_bytes(whole[:end])
        for event in EVENTS:
            folder.append_event(*event)
        found = rows(path)
        complete = sum(len(encode_rows(EVENTS[:n])) <= end - before for n in (1, 2, 3))
        assert found[:complete] == expected[:complete] and found[-3:] == expected, path.read_bytes()
        assert len(found) <= complete + 4 and path.read_bytes().startswith(whole[:end])


def test_events_whose_lines_end_otherwise_stay_as_they_are(folder):
    """As an editor, or git, may have left them; the last without an end."""
    path = folder.path / "events.csv"
    for event in EVENTS:
        folder.append_event(*event)
    expected = rows(path)
    for content in (path.read_bytes().replace(b"\r\n", b"\n"), path.read_bytes().replace(b"\r\n", b"\n")[:-1]):
        path.write_bytes(content)
        folder.append_event(*EVENTS[0])
        assert rows(path) == expected + expected[:1] and path.read_bytes().startswith(content)


@pytest.mark.parametrize("rest", ["31.5,150,0,0.25,1", "31.5,150,0,0.25", "x,150,0,0.25,1\r\n",
                                  "\0\0\0\0\r\n", "\0" * 10, "31.5,150,0,0.25,1,2\r\n",
                                  "31.5,1e2,0,0.25,1\r\n", "\"31.5,150,0,0.25,1\r\n", "\r\n",
                                  "1,150,0," + "9" * 200_000 + "x,2\r\n", "\xff\xfe,150,0,0.25,1\r\n"])
def test_cutting_drops_whatever_is_no_whole_row(folder, rest):
    """The last row may look whole, and be cut off in its last number."""
    path = folder.path / "episodes.csv"
    whole = path.read_bytes()
    path.write_bytes(whole + rest.encode("latin-1"))
    assert folder.cut_after(1000) == [1.0, -0.5, 2.0, -0.5, 3.0, -0.5] and path.read_bytes() == whole


def test_a_table_of_before_there_were_all_columns(folder):
    path = folder.path / "progress.csv"
    lines = [line.rsplit(",", 5)[0] for line in path.read_text().splitlines()]
    path.write_text("\r\n".join(lines) + "\r\n")
    folder.cut_after(200)
    folder.append_progress(progress(250))
    table = rows(path)
    assert tuple(table[0]) == Progress._fields and [row["restarts"] for row in table] == ["nan", "nan", "0"]
    folder.cut_after(1000)
    assert rows(path) == table


def test_rows_for_a_table_that_went_away(folder):
    """A new one, with its header."""
    (folder.path / "progress.csv").unlink()
    folder.append_progress(progress(400))
    assert [row["global_step"] for row in rows(folder.path / "progress.csv")] == ["400"]
    assert folder.events.sentences() == []


def test_rows_wait_where_the_folder_went_away(folder):
    folder.path.rename(folder.path.with_name("moved"))
    for step in (400, 500, 600):
        folder.append_progress(progress(step))
    said = folder.events.sentences()
    assert len(said) == 1 and "cannot write" in said[0] and "\n" not in said[0]
    folder.path.with_name("moved").rename(folder.path)
    folder.append_episodes([(70.0, 700, 0, 1.0, 3)])
    assert [row["global_step"] for row in rows(folder.path / "progress.csv")][-3:] == ["400", "500", "600"]
    said = folder.events.sentences()
    assert len(said) == 2 and "written again" in said[1]


def test_a_table_that_cannot_be_written_again_is_left_as_it_was(folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        folder.cut_after(100)
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_a_run_that_could_not_be_created_does_not_look_like_one(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert "No space left" in refused(RunFolder(tmp_path / "run").create, "{}")
    monkeypatch.undo()
    RunFolder(tmp_path / "run").create("{}")


@pytest.mark.parametrize("name", ["latest.npz", "latest-1.npz", "best.npz", "episodes.csv"])
def test_a_folder_in_the_place_of_a_file_is_refused_at_the_start(folder, name):
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).mkdir()
    before = sorted(folder.path.iterdir())
    for call in (lambda: folder.create("{}"), lambda: folder.create("{}", overwrite=True), folder.load_latest):
        assert f"{name} is a folder" in refused(call)
    assert sorted(folder.path.iterdir()) == before


def test_what_was_put_aside_is_a_runs_too(tmp_path):
    for name in ("latest.npz.refused", "latest-2.npz.refused-3", "episodes.csv.damaged"):
        (tmp_path / name).write_text("precious")
        assert "already holds a run" in refused(RunFolder(tmp_path).create, "{}")
        RunFolder(tmp_path).create("{}", overwrite=True)
        assert not (tmp_path / name).exists()
        RunFolder(tmp_path).discard_replaced()
        replaced_run.remove_discarded(tmp_path)
        for path in tmp_path.iterdir():
            path.unlink()
