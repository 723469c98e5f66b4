"""Options that several commands share: a new run's, a trained agent's; and the check of a named output file."""

import argparse
import dataclasses
import os
import shlex
from pathlib import Path
from typing import Callable

from ..config import Config, EnvironmentNeeded, menu_name
from ..core.algorithms import METHODS
from ..core.optimizers import OPTIMIZERS
from ..plots.canvas import load_cv2
from ..presets import PRESETS, configure
from ..runs.checkpoint import Checkpoint, load_fitting
from ..trained_agents import agent_file, games
from . import hyperparameter_options as options
from .env_options import ENV_HELP, add_env, add_env_kwargs, add_env_option

DEFAULT_ENV = "ALE/Pong-v5"
SOURCE = ("a run's folder, an .npz file, or a game whose agent comes with the package: "
          f"{', '.join(games()) or 'none is installed'}")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the environment, its arguments, the preset, the method, the optimiser and T_max."""
    add_env(parser, None, f"{ENV_HELP} (default {DEFAULT_ENV})")
    add_env_kwargs(parser)
    parser.add_argument("--preset", choices=tuple(PRESETS),
                        help="set of hyper-parameters (default: atari for images, continuous for continuous actions, "
                             "classic else); below, \"default 5; atari: 20\" means 20 with atari and 5 with the others")
    parser.add_argument("--algorithm", choices=tuple(METHODS), help="the paper's method, or dqn (default a3c)")
    parser.add_argument("--optimizer", choices=tuple(OPTIMIZERS), help="how gradients are applied (default rmsprop)")
    parser.add_argument("--total-steps", type=options.whole_number, metavar="N",
                        help="agent steps of all workers together, T_max (default 5e6)")
    parser.add_argument("--anneal-steps", type=options.whole_number, metavar="N",
                        help="agent steps over which the learning rate falls to 0, and the entropy weight if it falls "
                             "(default: --total-steps)")


def add_quiet(parser: argparse.ArgumentParser, help: str = "show warnings and errors alone, and no progress") -> None:
    """Add ``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help=help)


def speaker(arguments: argparse.Namespace, say: Callable[[str], None]) -> Callable[[str], None]:
    """Return ``say``, or with ``--quiet`` a function that does nothing."""
    return (lambda text: None) if arguments.quiet else say


def configured(arguments: argparse.Namespace, workers: int | None) -> Config:
    """Return the configuration that was typed; values that were not typed are the preset's."""
    if getattr(arguments, "config", None):
        return options.apply(_from_file(arguments, workers), options.given(arguments))
    names = ("algorithm", "optimizer", "total_steps", "anneal_steps", "seed", "env_kwargs")
    typed = {name: getattr(arguments, name) for name in names}
    config = configure(arguments.env or DEFAULT_ENV, arguments.preset, workers=workers, **typed)
    return options.apply(config, options.given(arguments))


def _from_file(arguments: argparse.Namespace, workers: int | None) -> Config:
    """Return the configuration of ``--config``, with the numbers and the environment that were typed."""
    for name in ("preset", "algorithm", "optimizer"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--config names what to train with: --{name} cannot change it")
    path = Path(arguments.config)
    path = path / "config.json" if path.is_dir() else path
    command = f"name it, train ENV --config {shlex.quote(str(path))}"
    try:
        config = Config.from_json(path.read_text(encoding="utf-8"), arguments.env, arguments.env_kwargs)
    except EnvironmentNeeded as error:
        raise ValueError(f"{path}: {error.reason}: {command}") from None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    typed = arguments.env is not None, arguments.env_kwargs is not None
    if not all(typed) and (found := config.foreign_code(name_is_given=typed[0])):
        raise ValueError(f"{path}: it names {found}: {command if not typed[0] else 'give its --env-kwargs, too'}")
    names = ("total_steps", "anneal_steps", "seed")
    numbers = {"workers": workers, "explored": 0} | {name: getattr(arguments, name) for name in names}
    return dataclasses.replace(config, **{name: value for name, value in numbers.items() if value is not None})


def folder_of(arguments: argparse.Namespace, config: Config, name: str) -> Path:
    """Return ``--out``, or runs/ENV-METHOD-NAME."""
    method = "" if menu_name(config.algorithm) == "a3c" else menu_name(config.algorithm) + "-"
    return Path(arguments.out or f"runs/{config.env_name.split('/')[-1]}-{method}{name}")


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add the agent's file, its environment, the seed, and how actions are chosen."""
    parser.add_argument("source", metavar="RUN|FILE|GAME", help=SOURCE)
    add_env_option(parser)
    parser.add_argument("--seed", type=options.whole_number, default=0, metavar="S",
                        help="random seed of the games (default 0)")
    parser.add_argument("--deterministic", action="store_true",
                        help="take the most probable action instead of a drawn one")
    parser.add_argument("--epsilon", type=float, metavar="E",
                        help="exploration of a value method (default: its evaluation-epsilon)")


def load_agent(arguments: argparse.Namespace) -> tuple[Path, Checkpoint]:
    """Return the agent's file and its checkpoint, with the epsilon that was typed; raise ValueError."""
    path = agent_file(Path(arguments.source))
    checkpoint = load_fitting(path, arguments.env, arguments.env_kwargs)
    if arguments.epsilon is None:
        return path, checkpoint
    algorithm = checkpoint.config.algorithm
    if not hasattr(algorithm, "evaluation_epsilon"):
        raise ValueError(f"--epsilon is for value methods, and {arguments.source} was trained with "
                         f"{menu_name(algorithm)}")
    if arguments.deterministic:
        raise ValueError("--epsilon and --deterministic exclude each other: deterministic play has epsilon 0")
    algorithm = dataclasses.replace(algorithm, evaluation_epsilon=arguments.epsilon)
    checkpoint.config = dataclasses.replace(checkpoint.config, algorithm=algorithm)
    return path, checkpoint


def writable(path: Path, kind: str = "", *suffixes: str) -> Path:
    """Return ``path``; raise ValueError if it cannot be written, or if a file of this ``kind`` ends otherwise.

    ``writable(Path("a.png"), "a picture", ".png", ".jpg")``; without suffixes any name is accepted.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {kind} to {path}: its name should end in {' or '.join(suffixes)}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write to {path}")
    return path


def writable_picture(path: Path) -> Path:
    """Return ``path``; raise ValueError if no picture can be written to it, PicturesUnavailable without OpenCV."""
    writable(path, "a picture", ".png", ".jpg")
    load_cv2()
    return path
