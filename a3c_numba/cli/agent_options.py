"""The options that name a trained agent and how it acts, which ``evaluate`` and ``play`` share."""

import argparse
import dataclasses
from pathlib import Path

from ..config import Config, menu_name
from ..runs.checkpoint import Checkpoint, load_fitting
from ..runs.run_folder import default_checkpoint
from . import hyperparameter_options as options
from .env_options import add_env_option


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add the agent's file, its environment, the seed, and how actions are chosen."""
    parser.add_argument("source", metavar="RUN|FILE", help="a run's folder, or an .npz file")
    add_env_option(parser)
    parser.add_argument("--seed", type=options.whole_number, default=0, metavar="S",
                        help="random seed of the games (default 0)")
    parser.add_argument("--deterministic", action="store_true",
                        help="take the most probable action instead of a drawn one")
    parser.add_argument("--epsilon", type=float, metavar="E",
                        help="exploration of a value method (default: its evaluation-epsilon)")


def load_agent(arguments: argparse.Namespace) -> tuple[Path, Checkpoint]:
    """Return the agent's file and its checkpoint, with the epsilon that was typed; raise ValueError."""
    path = default_checkpoint(Path(arguments.source))
    checkpoint = load_fitting(path, arguments.env, arguments.env_kwargs)
    if arguments.epsilon is not None:
        checkpoint.config = _with_epsilon(checkpoint.config, arguments)
    return path, checkpoint


def _with_epsilon(config: Config, arguments: argparse.Namespace) -> Config:
    if not hasattr(config.algorithm, "evaluation_epsilon"):
        raise ValueError(f"--epsilon is for value methods, and {arguments.source} was trained with "
                         f"{menu_name(config.algorithm)}")
    if arguments.deterministic:
        raise ValueError("--epsilon and --deterministic exclude each other: deterministic play has epsilon 0")
    algorithm = dataclasses.replace(config.algorithm, evaluation_epsilon=arguments.epsilon)
    return dataclasses.replace(config, algorithm=algorithm)
