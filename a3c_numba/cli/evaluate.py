"""``a3c-numba evaluate``: play whole games, print the figures, write a JSON of every game."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..config import menu_name
from ..evaluation import MOST_STEPS, PROTOCOLS, EvaluationSettings, as_json, summary
from ..evaluation import evaluate as play_games
from ..system.terminal import write_without_blocking
from . import hyperparameter_options as options
from .shared_options import add_agent_options, add_quiet, load_agent, speaker, writable


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    add_agent_options(parser)
    parser.add_argument("--episodes", type=options.whole_number, default=30, metavar="N", help="games (default 30)")
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="noop",
                        help="noop: up to 30 no-ops at the start; sticky: sticky actions, p 0.25 (default noop)")
    parser.add_argument("--workers", type=options.whole_number, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--max-steps", type=options.whole_number, default=MOST_STEPS, metavar="N",
                        help=f"stop a game after that many agent steps; one line says so (default {MOST_STEPS:,})")
    parser.add_argument("--json", metavar="FILE",
                        help="file for the result of every game, or - for standard output (default: evaluation.json in "
                             "a run's folder)")
    add_quiet(parser, "print no figures; the file has them")


def run(arguments: Namespace) -> int:
    """Play the games and print the figures; write every game if a file is named or the source is a run's folder."""
    settings = EvaluationSettings(arguments.episodes, arguments.protocol, arguments.deterministic, arguments.seed,
                                  arguments.max_steps)
    path, checkpoint = load_agent(arguments)
    config = checkpoint.config
    file = arguments.json or (path.with_name("evaluation.json") if Path(arguments.source).is_dir() else None)
    if arguments.quiet and not file:
        raise ValueError("--quiet leaves nothing of an evaluation of a file: name another for the result, --json FILE")
    out = writable(Path(file)) if file and file != "-" else None
    result = summary(play_games(config, checkpoint.theta, settings, arguments.workers), settings)
    epsilon = getattr(config.algorithm, "evaluation_epsilon", None)
    if settings.deterministic and epsilon is not None:
        epsilon = 0.0
    about = {"agent": str(path), "env": config.env_name, "algorithm": menu_name(config.algorithm), "epsilon": epsilon}
    text = as_json(about | result) + "\n"
    if out:
        out.write_text(text)
    error = "--" if result["standard_error"] is None else f"{result['standard_error']:.2f}"
    played = "" if epsilon is None else f", epsilon {epsilon:g}"
    different = "" if result["different"] == settings.episodes else f" ({result['different']} different)"
    starts = f", {settings.protocol}" if config.family == "atari" else ""
    line = (f"{config.env_name}, {settings.episodes} games{different}{starts}{played}: "
            f"mean {result['mean']:.2f}, standard error {error}, median {result['median']:g}, min {result['min']:g}, "
            f"max {result['max']:g}")
    if file == "-":                                                      # standard output is for a program
        speaker(arguments, write_without_blocking)(f"{line}\n")
        print(text, end="")
        return 0
    say = speaker(arguments, print)
    say(line)
    if out:
        say(f"every game in {out}")
    return 0
