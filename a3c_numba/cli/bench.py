"""``a3c-numba bench``: measure the speed of this machine, and how near a training run comes to it."""

from argparse import ArgumentParser, Namespace

from ..core.algorithms import METHODS
from ..studies import bench
from . import hyperparameter_options as options


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("env", nargs="?", default="ALE/Pong-v5", metavar="ENV",
                        help="Atari game (default ALE/Pong-v5)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S",
                        help="duration of each training run (default 10)")
    parser.add_argument("--t-max", type=options.whole_number, metavar="N",
                        help="rollout length (default 5; dqn: 4, the steps between updates)")
    parser.add_argument("--algorithm", choices=tuple(METHODS), default="a3c",
                        help="the paper's method, or dqn (default a3c)")
    parser.add_argument("--recurrent", action="store_true", help="the network with an LSTM")


def run(arguments: Namespace) -> int:
    """Measure, and print each figure."""
    bench.run(arguments.env, arguments.seconds, arguments.t_max, arguments.algorithm, arguments.recurrent)
    return 0
