"""``a3c-numba portrait``: draw an agent's filters, activations and saliency maps into a folder."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..diagnostics.portrait import draw
from ..plots import learning_curve
from ..plots.canvas import load_cv2
from ..runs.checkpoint import load_fitting
from ..trained_agents import agent_file
from .env_options import add_env_option
from .hyperparameter_options import whole_number
from .shared_options import SOURCE


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("source", metavar="RUN|FILE|GAME", help=SOURCE)
    parser.add_argument("-o", "--out", default="portrait", metavar="FOLDER",
                        help="folder for the pictures (default portrait)")
    add_env_option(parser)
    parser.add_argument("--steps", type=whole_number, default=200, metavar="N",
                        help="maximum length of the game (default 200)")
    parser.add_argument("--seed", type=whole_number, default=0, metavar="S", help="random seed of the game (default 0)")
    parser.add_argument("--video", choices=(".mp4", ".avi", ".gif"), default=".mp4",
                        help="format of the video (default .mp4)")


def run(arguments: Namespace) -> int:
    """Draw the portrait and print the names of its files."""
    if not 2 <= arguments.steps <= 10_000:
        raise ValueError(f"steps must be from 2 to 10,000; got {arguments.steps}")
    load_cv2()                                                           # before a game is played
    source, folder = Path(arguments.source), Path(arguments.out)
    checkpoint = load_fitting(agent_file(source), arguments.env, arguments.env_kwargs)
    folder.mkdir(parents=True, exist_ok=True)
    paths = draw(checkpoint, folder, arguments.steps, arguments.seed, arguments.video)
    if (source / "episodes.csv").exists():
        learning_curve([source], folder / "curve.png")
        paths.append(folder / "curve.png")
    print(*paths, sep="\n")
    return 0
