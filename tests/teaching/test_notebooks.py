"""The lessons as notebooks: every line of the program is there, and every cell runs."""

import ast
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from a3c_numba.teaching.notebooks import notebook
from tests.processes import PATIENCE
from tests.programs import program

ROOT = Path(__file__).parents[2]
LESSONS = [path for path in sorted((ROOT / "examples").glob("[01]?_*.py")) if path.name < "11"]
IDS = [path.stem for path in LESSONS]
# What makes a lesson long -> less of it.  Lesson 10 itself is run by test_examples.
SMALL = {"steps = 4000": "steps = 20", "episodes = 3000": "episodes = 20",
         "total_steps = 2_000_000": "total_steps = 500",
         '"ALE/Pong-v5"': '"Catch"', "= 200, 3000, 0.3": "= 200, 100, 0.3", "= 15, 200, 20,": "= 15, 200, 2,"}


def cells_of(path):
    """The code cells of a lesson's notebook."""
    cells = json.loads(notebook(path.read_text(encoding="utf-8"), path.stem))["cells"]
    return [cell["source"] for cell in cells if cell["cell_type"] == "code"]


def small(cells):
    """The cells with less to do."""
    for cell in cells:
        for before, after in SMALL.items():
            cell = cell.replace(before, after)
        yield cell


def run(cells):
    """Execute cells one after the other, as a kernel does, in the current folder."""
    names = {"__name__": "__main__"}
    for cell in cells:
        first, _, rest = cell.partition("\n")
        if first.startswith("%%writefile "):
            Path(first.split()[1]).write_text(rest)
        else:
            exec(compile(cell, "cell", "exec"), names)


def test_there_are_ten_lessons():
    assert [name[:2] for name in IDS] == [f"{number:02}" for number in range(1, 11)]


@pytest.mark.parametrize("path", LESSONS, ids=IDS)
def test_every_cell_runs(path, tmp_path, monkeypatch):
    pictures, display = [], ModuleType("IPython.display")
    display.Image = pictures.append
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    run(small(cells_of(path)))
    assert pictures == [f"{path.stem}.png"] and Path(pictures[0]).read_bytes().startswith(b"\x89PNG")
    sys.modules.pop(f"lesson_{path.stem}", None)


@pytest.mark.parametrize("path", LESSONS, ids=IDS)
def test_every_line_of_the_program_is_in_its_notebook(path):
    source = path.read_text(encoding="utf-8")
    *head, main, guard = ast.parse(source).body
    lines = source.splitlines()
    body = lines[head[0].end_lineno:main.lineno - 1] + lines[main.body[0].end_lineno:guard.lineno - 1]
    cells = "\n".join(cells_of(path)).splitlines()
    assert {line.strip() for line in body} - {line.strip() for line in cells} <= {""}


def test_a_notebook_begins_with_the_lessons_docstring():
    cells = json.loads(notebook(LESSONS[0].read_text(encoding="utf-8"), "01_dense"))["cells"]
    assert cells[0]["cell_type"] == "markdown" and cells[0]["source"].startswith("# Lesson 1: a dense layer")
    assert [f"\n- **{word}:** " in cells[0]["source"] for word in ("New", "Notice", "Try")] == [True] * 3


@pytest.mark.parametrize("path", LESSONS, ids=IDS)
def test_a_notebook_has_jupyters_format(path):
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(notebook(path.read_text(encoding="utf-8"), path.stem), as_version=4))


@pytest.mark.long
def test_a_kernel_runs_a_lesson_that_starts_processes(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    cells = [nbformat.v4.new_code_cell(cell) for cell in small(cells_of(LESSONS[6]))]
    nbclient.NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=PATIENCE,
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "locked      additions lost 0 of " in "".join(output.get("text", "") for output in cells[-2].outputs)
    assert "image/png" in cells[-1].outputs[0].data


def test_the_command_writes_notebooks_and_keeps_what_is_there(tmp_path, capsys):
    (tmp_path / "01_dense.ipynb").write_text("mine")
    assert program("examples", tmp_path, "--notebooks") == 0
    assert "9 notebooks in " in capsys.readouterr().out
    assert (tmp_path / "01_dense.ipynb").read_text() == "mine"
    written = (tmp_path / "02_differences.ipynb").read_text()
    assert written == notebook(LESSONS[1].read_text(encoding="utf-8"), "02_differences")
