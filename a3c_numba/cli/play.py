"""``a3c-numba play``: show an agent's games in the terminal, or write them into a video."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .. import playback
from ..evaluation import MOST_STEPS, EvaluationSettings
from . import hyperparameter_options as options
from .shared_options import add_agent_options, load_agent


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    add_agent_options(parser)
    parser.add_argument("--video", metavar="FILE",
                        help="write an .mp4, .avi or .gif instead of drawing in the terminal")
    parser.add_argument("--episodes", type=options.whole_number, default=1, metavar="N", help="games (default 1)")
    parser.add_argument("--max-steps", type=options.whole_number, default=MOST_STEPS, metavar="N",
                        help=f"stop a game after that many agent steps; its line says so (default {MOST_STEPS:,})")


def run(arguments: Namespace) -> int:
    """Play the games."""
    settings = EvaluationSettings(arguments.episodes, "noop", arguments.deterministic, arguments.seed,
                                  arguments.max_steps)
    _, checkpoint = load_agent(arguments)
    if arguments.video:
        playback.write_video(checkpoint, settings, Path(arguments.video))
    else:
        playback.play_in_terminal(checkpoint, settings)
    return 0
