"""``a3c-numba report``: write a run's folder as one HTML page."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..report.clip import MOST_STEPS
from ..report.page import STEPS, report
from ..report.recorded_run import read
from ..system import atomic_file
from .hyperparameter_options import whole_number
from .shared_options import writable


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder, finished or not")
    parser.add_argument("-o", "--out", metavar="FILE", help="the HTML file to write (default RUN/report.html)")
    parser.add_argument("--agent", metavar="FILE", help="the .npz file of the agent that plays in the clip "
                        "(default: the run's final.npz, best.npz or latest.npz, the first that exists)")
    parser.add_argument("--no-clip", action="store_true", help="leave out the clip of play")
    parser.add_argument("--steps", type=whole_number, default=STEPS, metavar="N",
                        help=f"length of the clip in agent steps, at most {MOST_STEPS} (default {STEPS}: ten seconds)")


def run(arguments: Namespace) -> int:
    """Write the page and print its name; raise ValueError for a folder or a file that cannot be used."""
    if not 1 <= arguments.steps <= MOST_STEPS:
        raise ValueError(f"steps must be from 1 to {MOST_STEPS}; got {arguments.steps}")
    found = read(Path(arguments.run_folder))
    out = Path(arguments.out) if arguments.out else found.path / "report.html"
    writable(out, "the report", ".html", ".htm")
    agent = Path(arguments.agent) if arguments.agent else None
    text = report(found, agent, 0 if arguments.no_clip else arguments.steps)
    with atomic_file.temporary_sibling(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
        atomic_file.rename_and_fsync(temporary, out)
    print(out)
    return 0
