"""``a3c-numba break``: the list, a run, the answer, and the one line for what cannot be."""

import argparse

import pytest

from a3c_numba.cli import bugs as command
from a3c_numba.teaching.bugs import LESSONS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Every test in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)


def run(*typed):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in typed]))


@pytest.mark.parametrize("typed", [[], ["--list"], ["--list", "3"]])
def test_the_list_has_all_symptoms_and_no_answer(typed, capsys):
    assert run(*typed) == 0
    out = capsys.readouterr().out
    for number, lesson in enumerate(LESSONS, 1):
        assert f"{number}  {lesson.symptom}" in out and lesson.name not in out


def test_a_run_prints_a_table_writes_a_picture_and_asks(tmp_path, capsys):
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    assert run(2, "--seeds", 2, "--steps", 1000) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines() if line[:8].strip().isdigit()]
    assert len(rows) == command.ROWS and {len(row) for row in rows} == {5}
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=int)
    assert "a3c-numba break 2 --answer" in out and LESSONS[1].name not in out
    picture = cv2.imread(str(tmp_path / "bug2.png"))
    assert picture.shape == (560, 1200, 3) and [path.name for path in tmp_path.iterdir()] == ["bug2.png"]


@pytest.mark.parametrize("number", range(1, len(LESSONS) + 1))
def test_the_answer_has_the_name_the_lines_and_the_tests(number, capsys, tmp_path):
    assert run(number, "--answer") == 0
    out, lesson = capsys.readouterr().out, LESSONS[number - 1]
    assert f"bug {number}: {lesson.name}\n" in out and lesson.bug.diff() in out
    assert all(test in out for test in lesson.tests) and " ".join(lesson.text.split())[:60] in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("typed, said", [
    (["9"], "bugs are numbered 1 to 8; got '9'"), (["0"], "got '0'"), (["entropy"], "got 'entropy'"),
    (["-1"], "got '-1'"), (["3", "--seeds", "0"], "seeds must be at least 1 and at most 20; got 0"),
    (["3", "--steps", "10"], "steps must be at least 500"), (["3", "-o", "a.txt"], "should end in .png or .jpg"),
    (["3", "-o", "nowhere/a.png"], "cannot write to nowhere/a.png")])
def test_what_cannot_be_is_one_line(typed, said, tmp_path):
    with pytest.raises(ValueError) as error:
        run(*typed)
    assert said in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
