"""``a3c-numba plot``: draw the learning curves of runs into one picture."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..plots import learning_curve
from ..runs.run_folder import RunFolderError
from .shared_options import writable


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("-o", "--out", default="curves.png", metavar="FILE", help="picture (default curves.png)")
    parser.add_argument("-x", choices=("steps", "minutes"), default="steps", help="horizontal axis (default steps)")


def run(arguments: Namespace) -> int:
    """Draw the picture and print its name."""
    for folder in arguments.runs:
        if not (Path(folder) / "episodes.csv").exists():
            raise RunFolderError(f"{folder}: no run (it has no episodes.csv)")
    learning_curve([Path(folder) for folder in arguments.runs], writable(Path(arguments.out)), arguments.x)
    print(arguments.out)
    return 0
