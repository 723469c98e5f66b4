"""The check of a named output file."""

import pytest

from a3c_numba.cli.shared_options import writable


@pytest.mark.parametrize("name, why", [
    ("a.txt", "cannot write a page to .*a.txt: its name should end in .html or .htm"),
    ("nowhere/a.html", "cannot write to .*nowhere/a.html"), ("folder.html", "cannot write to .*folder.html")])
def test_what_cannot_be_written_is_refused(name, why, tmp_path):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ValueError, match=why):
        writable(tmp_path / name, "a page", ".html", ".htm")
    assert writable(tmp_path / "a.HTML", "a page", ".html", ".htm") == tmp_path / "a.HTML"
