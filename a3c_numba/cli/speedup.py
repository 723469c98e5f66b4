"""``a3c-numba speedup``: time runs of several numbers of workers to a score; an existing folder is continued."""

import os
from argparse import ArgumentParser, Namespace

from ..studies.speedup import Speedup
from ..system.directory_lock import exclusive_lock
from ..system.terminal import show, write_without_blocking
from ..training.trainer import initial_checkpoint
from . import hyperparameter_options as options
from .shared_options import add_quiet, add_run_options, configured, folder_of, speaker


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    add_run_options(parser)
    parser.add_argument("--workers", type=options.whole_numbers, default=[1, 2, 4, 8, 16], metavar="N,N,...",
                        help="numbers of processes, compared with the first (default 1,2,4,8,16)")
    parser.add_argument("--target-score", type=float, required=True, metavar="S",
                        help="mean of the last 100 training games, or of all if fewer, that ends a run")
    parser.add_argument("--seeds", type=options.whole_number, default=1, metavar="N",
                        help="runs for each number of workers (default 1)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S",
                        help="random seed of the first run; then S + 1, ... (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the study's folder; an existing one is continued "
                        "(default runs/ENV-speedup)")
    add_quiet(parser, "show warnings, errors and the table alone")
    options.add_hyper_parameters(parser)


def run(arguments: Namespace) -> int:
    """Train every run that is missing, and print the table."""
    config = configured(arguments, arguments.workers[0])
    study = Speedup(config, arguments.workers, arguments.target_score, arguments.seeds,
                    folder_of(arguments, config, "speedup"), speaker(arguments, show))
    initial_checkpoint(config)                                           # fails before anything is written
    with exclusive_lock(study.folder):
        study.open()
        counts, cores = ", ".join(map(str, arguments.workers)), os.cpu_count() or 1
        speaker(arguments, write_without_blocking)(f"{config.env_name}: {counts} workers to a mean score of "
                                                   f"{arguments.target_score:g}, into {study.folder}\n")
        if max(arguments.workers) > cores:
            write_without_blocking(f"more workers than cores ({cores}): the speed-up in time cannot be much above "
                                   f"{cores}\n")
        print(study.run())
    return 0
