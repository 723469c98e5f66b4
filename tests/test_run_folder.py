"""A run's folder: what is in it, what protects it, and how a resumed run goes on with it."""

import csv

import numpy as np
import pytest

from a3c_numba.run_folder import EPISODE_COLUMNS, Progress, RunFolder, RunFolderError


def progress(step, mean=0.5):
    return Progress(step / 10, step, 10.0, 3, mean, 0.6, 0.1, 1.5, 7e-4, 30, 0)


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
    line = refused(folder.create, "other")
    assert str(folder.path) in line and "--resume" in line and "--overwrite" in line
    assert {path: path.read_bytes() for path in folder.path.iterdir()} == before


def test_overwriting_leaves_nothing_of_the_old_run_and_everything_else(folder):
    for name in ("latest.npz", "best.npz", "final.npz", "curve.png", "evaluation.json", "notes.txt"):
        (folder.path / name).write_text("old")
    folder.create("new", overwrite=True)
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["config.json", "episodes.csv", "notes.txt", "progress.csv"]
    assert (folder.path / "config.json").read_text() == "new\n" and not rows(folder.path / "episodes.csv")


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


@pytest.mark.parametrize("name", ["progress.csv", "episodes.csv"])
def test_cutting_tables_that_are_missing_or_others(folder, name):
    (folder.path / name).write_text("a,b\n1,2\n")
    assert name in refused(folder.cut_after, 100)
    (folder.path / name).unlink()
    assert name in refused(folder.cut_after, 100)


def test_the_curve_is_drawn(folder):
    pytest.importorskip("cv2")
    folder.draw_curve()
    assert (folder.path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["best.npz", "episodes.csv", "evaluation.json"])
def test_a_folder_with_anything_of_a_run_is_refused(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunFolderError, match="already holds a run"):
        RunFolder(tmp_path).create("{}")
    assert (tmp_path / name).read_text() == "precious"
