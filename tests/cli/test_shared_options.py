"""The check of a named output file."""

import sys

import pytest

from a3c_numba.cli.shared_options import writable
from tests.programs import program


@pytest.mark.parametrize("name, why", [
    ("a.txt", "cannot write a page to .*a.txt: its name should end in .html or .htm"),
    ("nowhere/a.html", "cannot write to .*nowhere/a.html"), ("folder.html", "cannot write to .*folder.html")])
def test_what_cannot_be_written_is_refused(name, why, tmp_path):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match=why):
        writable(tmp_path / name, "a page", ".html", ".htm")
    assert writable(tmp_path / "a.HTML", "a page", ".html", ".htm") == tmp_path / "a.HTML"


@pytest.mark.parametrize("words", [["break", 1, "--seeds", 1], ["race"], ["portrait", "no.npz"]],
                         ids=lambda words: words[0])
@pytest.mark.parametrize("reason", ["No module named 'cv2'", "libGL.so.1: cannot open shared object file"])
def test_without_opencv_nothing_is_trained(words, reason, monkeypatch, tmp_path, capsys):
    """The line comes before the work, which takes up to a minute."""
    def work(*_, **__):
        raise AssertionError("it works before it checks")

    class Broken:
        def find_spec(self, name, *_):
            if name == "cv2":
                raise ImportError(reason)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    monkeypatch.setattr("a3c_numba.teaching.bugs.lesson.Lesson.record", work)
    monkeypatch.setattr("a3c_numba.cli.race.RaceRecorder", work)
    assert program(*words) == 2
    line = capsys.readouterr().err
    assert "opencv-python-headless" in line and ("libgl1" in line) == ("libGL" in reason) and line.count("\n") == 1
    assert not list(tmp_path.iterdir())
