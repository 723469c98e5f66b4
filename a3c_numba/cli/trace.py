"""``a3c-numba trace``: print one update as a table, from the pixels to the new theta, each line beside its formula.

The sections are FORWARDS, THE HEADS, STEP BY STEP, BACKWARDS, THE UPDATE, and ONE NUMBER, which follows one parameter
through all of them.  The update is the one that worker 0 of a run with this seed makes; ``recorded_update`` records it.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from ..config import menu_name
from ..core.algorithms import ALGORITHMS
from ..core.shared import Shared
from ..core.worker import Worker
from ..diagnostics.trace.recorded_update import Update, record
from ..diagnostics.trace.table import report
from ..presets import PRESETS, configure
from ..runs.checkpoint import Checkpoint, load_fitting
from ..runs.run_folder import default_checkpoint
from ..training.trainer import initial_checkpoint
from . import hyperparameter_options as options
from .env_options import ENV_HELP, add_env_option, env_name


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("source", nargs="?", default="ALE/Pong-v5", type=env_name, metavar="ENV|RUN|FILE",
                        help=f"{ENV_HELP}, for fresh parameters; or a run's folder or an .npz file, for its "
                             "parameters (default ALE/Pong-v5)")
    add_env_option(parser, "with a checkpoint, ")
    parser.add_argument("--rollout", type=options.whole_number, default=1, metavar="K",
                        help="number of the rollout to show; those before it are trained on (default 1)")
    parser.add_argument("--preset", choices=tuple(PRESETS),
                        help="set of hyper-parameters (default: by the observations)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="the paper's method (default a3c)")
    parser.add_argument("--recurrent", action="store_true", help="the network with an LSTM")
    parser.add_argument("--seed", type=options.whole_number, metavar="S",
                        help="random seed of parameters and play (default 0); with a checkpoint, of play")


def run(arguments: Namespace) -> int:
    """Print the table; raise ValueError for a source or a rollout that cannot be traced."""
    if arguments.rollout < 1:
        raise ValueError(f"rollout must be at least 1; got {arguments.rollout}")
    start = _start(arguments)
    worker = worker_of(start, arguments.seed)
    try:
        for _ in range(arguments.rollout - 1):
            worker.update()
        update = record(worker)
        print("\n".join([*_about(arguments, start, update), *report(worker, update)]))
    finally:
        worker.collector.env.close()
    return 0


def _about(arguments: Namespace, start: Checkpoint, update: Update) -> list[str]:
    """Return the first lines: what is shown."""
    config, name = start.config, menu_name(start.config.algorithm)
    ending = f"; the episode ended, score {update.episode.score:g}" if update.episode else ""
    lines = [f"{config.env_name}, {name}: rollout {arguments.rollout}, {update.rollout.length} steps, from step "
             f"{update.step:,} of {config.total_steps:,}{ending}"]
    if start.global_step >= config.total_steps:
        lines.append(f"theta after all {start.global_step:,} steps, at which eta is 0: shown as the first update of a "
                     "new run")
    if start.global_step and start.statistics is None:
        lines.append("the file has no optimiser statistics: they start at 0")
    return lines


def _start(arguments: Namespace) -> Checkpoint:
    path = Path(arguments.source)
    if path.suffix != ".npz" and not path.is_dir():
        if arguments.env:
            raise ValueError(f"--env is for a run's folder or a file, and {path} is neither")
        config = configure(arguments.source, arguments.preset, algorithm=arguments.algorithm, seed=arguments.seed,
                           env_kwargs=arguments.env_kwargs)
        return initial_checkpoint(options.apply(config, {"recurrent": arguments.recurrent}))
    typed = [name for name in ("preset", "algorithm", "recurrent") if getattr(arguments, name)]
    if typed:
        raise ValueError(f"--{typed[0]} is for an environment: {path} has its own")
    return load_fitting(default_checkpoint(path), arguments.env, arguments.env_kwargs)


def worker_of(start: Checkpoint, seed: int | None = None) -> Worker:
    """Return worker 0, in this process, at the start of an episode.  A finished run starts at step 0, as eta is 0.

    Raise ValueError for a method with a replay memory.
    """
    config = start.config
    if config.algorithm.uses_replay:
        raise ValueError("trace shows the update of a rollout: DQN's is of a batch drawn from its memory")
    shared = Shared(len(start.theta), 1, config.optimizer.own_statistics, config.algorithm.uses_target_network)
    shared.resume_at(start.global_step if start.global_step < config.total_steps else 0)
    own = None if start.statistics is None else start.statistics[:len(start.theta)]      # worker 0's
    shared.load(start.theta, own, start.target)
    chance = np.random.SeedSequence(config.seed if seed is None else seed, spawn_key=(start.streams + 1,))
    return Worker(0, config, shared, chance)
