"""``a3c-numba sweep``: train runs with a number drawn for each; with an existing folder, only its missing runs."""

from argparse import ArgumentParser, Namespace

from ..config import Config
from ..studies.drawn_parameter import LEARNING_RATE, Draw, DrawnParameter
from ..studies.sweep import Sweep
from ..system.directory_lock import exclusive_lock
from ..system.terminal import show, write_without_blocking
from ..training.trainer import initial_checkpoint
from . import hyperparameter_options as options
from .shared_options import add_quiet, add_run_options, configured, folder_of, speaker


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options; ``--learning-rate`` takes a distribution here."""
    add_run_options(parser)
    parser.add_argument("--workers", type=options.whole_number, metavar="N",
                        help="processes of each run (default: the preset's)")
    parser.add_argument("--runs", type=options.whole_number, default=50, metavar="N",
                        help="runs in all, including those already in the folder (default 50)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S",
                        help="random seed of the draws and of the runs' own seeds (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the sweep's folder; an existing one is continued "
                        "(default runs/ENV-sweep-sSEED)")
    add_quiet(parser)
    options.add_hyper_parameters(parser)
    draws = parser.add_argument_group("drawn for each run", conflict_handler="resolve")     # replaces the derived one
    draws.add_argument("--learning-rate", dest="learning_rates", metavar="DRAW",
                       help="loguniform:LOW:HIGH, uniform:LOW:HIGH, or a number (default loguniform:1e-4:1e-2, the "
                            "paper's; with --parameter the preset's number)")
    draws.add_argument("--parameter", metavar="NAME",
                       help="draw this hyper-parameter in place of the learning rate, log-uniformly from --range")
    draws.add_argument("--range", dest="ends", type=options.real_number, nargs=2, metavar=("LOW", "HIGH"),
                       help="the range of --parameter")


def run(arguments: Namespace) -> int:
    """Train every run that is missing."""
    config, parameter = _drawn(configured(arguments, arguments.workers), arguments)
    folder = folder_of(arguments, config, f"sweep-s{config.seed}")
    study = Sweep(config, parameter, arguments.runs, folder, speaker(arguments, show))
    initial_checkpoint(config)                                           # fails before anything is written
    with exclusive_lock(folder):
        study.open()
        say = speaker(arguments, write_without_blocking)
        say(f"{config.env_name}: {arguments.runs} runs, {config.workers} workers, {config.total_steps:,} steps each, "
            f"into {folder}\n")
        study.run()
    return 0


def _drawn(config: Config, arguments: Namespace) -> tuple[Config, DrawnParameter]:
    """Return the configuration and what is drawn; raise ValueError for options that exclude each other."""
    rates, ends = arguments.learning_rates, arguments.ends
    name = (arguments.parameter or LEARNING_RATE).replace("-", "_")
    if (arguments.parameter is None) != (ends is None):
        raise ValueError("--parameter NAME and --range LOW HIGH belong together")
    if ends is None:
        return config, DrawnParameter(Draw.read("loguniform:1e-4:1e-2" if rates is None else rates))
    typed = [*options.given(arguments), *([LEARNING_RATE] if rates else [])]
    if name in typed:
        raise ValueError(f"--{name.replace('_', '-')} and --parameter {name} exclude each other")
    if rates is not None:
        fixed = Draw.read(rates)
        if fixed.kind != "fixed":
            raise ValueError(f"--learning-rate must be a number, as {name} is drawn; got {rates}")
        config = DrawnParameter(fixed).put(config, fixed.low)
    return config, DrawnParameter(Draw.between(*ends), name)
