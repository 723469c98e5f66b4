"""The options of a new run, which ``train``, ``sweep`` and ``speedup`` share, and the configuration made of them."""

import argparse
from pathlib import Path

from ..config import Config, menu_name
from ..core.algorithms import ALGORITHMS
from ..core.optimizers import OPTIMIZERS
from ..presets import PRESETS, configure
from . import hyperparameter_options as options
from .env_options import ENV_HELP, add_env_kwargs, env_name

DEFAULT_ENV = "ALE/Pong-v5"


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the environment, its arguments, the preset, the method, the optimiser and T_max."""
    parser.add_argument("env", nargs="?", default=None, type=env_name, metavar="ENV",
                        help=f"{ENV_HELP} (default {DEFAULT_ENV})")
    add_env_kwargs(parser)
    parser.add_argument("--preset", choices=tuple(PRESETS),
                        help="set of hyper-parameters (default: by the observations)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="the paper's method (default a3c)")
    parser.add_argument("--optimizer", choices=tuple(OPTIMIZERS), help="how gradients are applied (default rmsprop)")
    parser.add_argument("--total-steps", type=options.whole_number, metavar="N",
                        help="agent steps of all workers together, T_max (default 5e6)")


def configured(arguments: argparse.Namespace, workers: int | None) -> Config:
    """Return the configuration that was typed; values that were not typed are the preset's."""
    names = ("algorithm", "optimizer", "total_steps", "seed", "env_kwargs")
    typed = {name: getattr(arguments, name) for name in names}
    config = configure(arguments.env or DEFAULT_ENV, arguments.preset, workers=workers, **typed)
    return options.apply(config, options.given(arguments))


def folder_of(arguments: argparse.Namespace, config: Config, name: str) -> Path:
    """Return ``--out``, or runs/ENV-METHOD-NAME."""
    method = "" if menu_name(config.algorithm) == "a3c" else menu_name(config.algorithm) + "-"
    return Path(arguments.out or f"runs/{config.env_name.split('/')[-1]}-{method}{name}")
