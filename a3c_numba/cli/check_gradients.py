"""``a3c-numba check-gradients``: compare every tensor of a real network's gradient with central differences."""

from argparse import ArgumentParser, Namespace

from ..core.algorithms import ALGORITHMS
from ..diagnostics import gradient_check
from ..presets import PRESETS, configure
from . import hyperparameter_options as options
from .env_options import add_env, add_env_kwargs


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    add_env(parser, "ALE/Pong-v5")
    add_env_kwargs(parser)
    parser.add_argument("--coordinates", type=options.whole_number, default=20, metavar="N",
                        help="numbers checked in each tensor (default 20)")
    parser.add_argument("--preset", choices=tuple(PRESETS),
                        help="preset that sets the network (default: by the observations)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="method that sets the loss (default a3c)")
    parser.add_argument("--recurrent", action="store_true", help="the network with an LSTM")
    parser.add_argument("--seed", type=options.whole_number, default=0, metavar="S",
                        help="random seed of parameters and rollout (default 0)")


def run(arguments: Namespace) -> int:
    """Print a row for each tensor; return 1 if one disagrees."""
    config = configure(arguments.env, arguments.preset, algorithm=arguments.algorithm, seed=arguments.seed,
                       env_kwargs=arguments.env_kwargs)
    config = options.apply(config, {"recurrent": arguments.recurrent})
    rows = gradient_check.check(config, arguments.coordinates)
    print(gradient_check.table(rows))
    return 0 if all(row.agrees for row in rows) else 1
