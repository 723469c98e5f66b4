"""a3c-numba exercises list | start | check."""

import pytest

from a3c_numba.teaching.exercises.menu import EXERCISES

from tests.teaching.exercises.grading import exercises, put, text_of


def test_list(capsys):
    assert exercises("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(EXERCISES) == 10
    for exercise, line in zip(EXERCISES.values(), lines):
        assert line.split()[0] == str(exercise.number)
        assert exercise.title in line and line.endswith(exercise.file)
        assert exercise.file.startswith(f"{exercise.number:02}_")


def test_start_copies_the_ten_blanks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert exercises("start") == 0
    assert "10 files with blanks in exercises; fill in 01_dense.py" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "exercises").iterdir()) == [e.file for e in EXERCISES.values()]
    for number, exercise in EXERCISES.items():
        assert (tmp_path / "exercises" / exercise.file).read_text(encoding="utf-8") == text_of("blanks", number)


def test_start_overwrites_nothing(tmp_path, capsys):
    folder = tmp_path / "a folder" / "below"
    folder.mkdir(parents=True)
    mine = put(folder, 3, "# my work\n")
    assert exercises("start", folder) == 0
    out = capsys.readouterr().out
    assert mine.read_text() == "# my work\n" and len(list(folder.iterdir())) == 10
    assert "kept: 03_softmax.py\n9 files with blanks" in out
    assert f"check 1 --folder '{folder}'" in out                         # can be typed as it stands
    assert exercises("start", folder) == 0 and mine.read_text() == "# my work\n"
    assert "\nno new files with blanks" in capsys.readouterr().out


def test_start_does_not_write_through_a_link(tmp_path):
    (tmp_path / "01_dense.py").symlink_to(tmp_path / "elsewhere")
    assert exercises("start", tmp_path) == 0
    assert not (tmp_path / "elsewhere").exists()


def test_start_refuses_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        exercises("start", tmp_path / "file")


@pytest.mark.parametrize("where", ["exercises", "."])
def test_check_looks_in_exercises_and_then_here(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / where).mkdir(exist_ok=True)
    put(tmp_path / where, 4, text_of("solutions", 4))
    assert exercises("check", 4) == 0


def test_check_without_files_says_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for which in (3, "all"):
        with pytest.raises(ValueError, match="no 0.* in exercises: `a3c-numba exercises start` writes the files"):
            exercises("check", which)
    with pytest.raises(ValueError, match="`a3c-numba exercises start mine` writes"):
        exercises("check", 3, "--folder", "mine")


@pytest.mark.parametrize("which", ["0", "11", "-1", "1.5", "dense", ""])
def test_check_of_what_is_no_exercise(which, tmp_path):
    with pytest.raises(ValueError, match="there is no exercise .*: 1 to 10, or all"):
        exercises("check", "--folder", tmp_path, "--", which)


def test_check_all(tmp_path, capsys):
    for number in EXERCISES:
        put(tmp_path, number, text_of("solutions", number))
    assert exercises("check", "all", "--folder", tmp_path) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 11 and all(line.endswith("right") for line in out) and out[-1] == "10 of 10 right"


def test_check_all_of_some(tmp_path, capsys):
    put(tmp_path, 4, text_of("solutions", 4))
    put(tmp_path, 6, text_of("blanks", 6))
    put(tmp_path, 9, "def generalised_advantages(rewards, discounts, values, lambda_):\n    return rewards, values\n")
    assert exercises("check", "all", "--folder", tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    words = {line.split()[0]: line[52:].split("  ")[0] for line in lines[:-1]}
    assert words == {str(n): {4: "right", 6: "blank", 9: "wrong"}.get(n, "no file") for n in EXERCISES}
    assert "generalised_advantages: advantages, shape (3,)" in lines[8]
    assert lines[-1] == "1 of 10 right"


def test_no_command_shows_a_solution(tmp_path, capsys):
    answer = "d_weight = x.T @ d_y"
    assert answer in text_of("solutions", 1) and answer not in text_of("blanks", 1)
    exercises("start", tmp_path)
    exercises("check", 1, "--folder", tmp_path)
    exercises("check", "all", "--folder", tmp_path)
    assert answer not in capsys.readouterr().out
    assert not any(answer in path.read_text() for path in tmp_path.iterdir())
