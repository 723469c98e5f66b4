"""``a3c-numba examples [FOLDER]``: copy the lessons and the trained agents, which are installed with the package.

``--notebooks`` also writes the ten lessons as notebooks beside the programs that they are made from.
"""

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..teaching.notebooks import notebook
from ..trained_agents import PLACES, examples_folder


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("folder", nargs="?", default="examples", metavar="FOLDER",
                        help="folder to write to; existing files are kept (default examples)")
    parser.add_argument("--notebooks", action="store_true", help="also write the ten lessons as Jupyter notebooks")


def run(arguments: Namespace) -> int:
    """Copy every file that is not there yet; raise ValueError or OSError."""
    source, folder = _source(), Path(arguments.folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give a folder")
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    missing = [path for path in files if not (folder / path.relative_to(source)).exists()]
    for path in missing:
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    kept = len(files) - len(missing)
    print(f"{len(missing)} files in {folder}{f', {kept} kept' if kept else ''}: begin with {folder / 'README.md'}")
    if arguments.notebooks:
        _write_notebooks(source, folder)
    return 0


def _write_notebooks(source: Path, folder: Path) -> None:
    """Write the notebook of each lesson that has none in ``folder`` yet."""
    lessons = sorted(path for path in source.glob("[01]?_*.py") if path.name[:2] <= "10")
    missing = [path for path in lessons if not (folder / path.with_suffix(".ipynb").name).exists()]
    for path in missing:
        text = notebook(path.read_text(encoding="utf-8"), path.stem)
        (folder / path.with_suffix(".ipynb").name).write_text(text, encoding="utf-8")
    kept = len(lessons) - len(missing)
    print(f"{len(missing)} notebooks in {folder}{f', {kept} kept' if kept else ''}")


def _source() -> Path:
    found = examples_folder()
    if found is None:
        raise ValueError(f"the examples are not installed: {PLACES[0]} is missing")
    return found
