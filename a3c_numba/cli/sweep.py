"""``a3c-numba sweep``: train runs with random learning rates; with an existing folder, only its missing runs."""

from argparse import ArgumentParser, Namespace

from ..studies.sweep import LearningRates, Sweep
from ..system.directory_lock import exclusive_lock
from ..system.terminal import write_without_blocking
from ..training.trainer import initial_checkpoint
from . import hyperparameter_options as options
from .shared_options import add_run_options, configured, folder_of


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
    options.add_hyper_parameters(parser)
    draws = parser.add_argument_group("drawn for each run", conflict_handler="resolve")     # replaces the derived one
    draws.add_argument("--learning-rate", dest="learning_rates", default="loguniform:1e-4:1e-2", metavar="DRAW",
                       help="loguniform:LOW:HIGH, uniform:LOW:HIGH, or a number (default loguniform:1e-4:1e-2, the "
                            "paper's)")


def run(arguments: Namespace) -> int:
    """Train every run that is missing."""
    config = configured(arguments, arguments.workers)
    rates = LearningRates.read(arguments.learning_rates)
    folder = folder_of(arguments, config, f"sweep-s{config.seed}")
    study = Sweep(config, rates, arguments.runs, folder)
    initial_checkpoint(config)                                           # fails before anything is written
    with exclusive_lock(folder):
        study.open()
        write_without_blocking(f"{config.env_name}: {arguments.runs} runs, {config.workers} workers, "
                               f"{config.total_steps:,} steps each, into {folder}\n")
        study.run()
    return 0
