"""``a3c-numba train``: start a run, or resume one; its folder is locked until the command ends."""

import dataclasses
import json
import shlex
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from ..agent_training import RunOptions
from ..config import MAY_CHANGE, Config
from ..envs.untrusted import may_name_module
from ..presets import PRESETS
from ..progress_bar import ProgressBar, Warnings
from ..runs.checkpoint import Checkpoint
from ..runs.replay_file import ONE_MACHINE, check_space
from ..runs.resume import annealing, folder_of_run, load_run
from ..runs.run_folder import RunFolder
from ..runs.tensorboard import TensorBoardLog
from ..system.directory_lock import exclusive_lock
from ..system.terminal import write_without_blocking
from ..training.limits import Limits
from ..training.replay_check import without_update
from ..training.reporter import Reporter
from ..training.trainer import initial_checkpoint
from . import hyperparameter_options as options
from .cluster_options import add_cluster_options, check_cluster_options, cluster_as_typed, cluster_of, nodes_named
from .shared_options import add_quiet, add_run_options, configured, folder_of
from .tensorboard_reporter import TensorBoardReporter

# A run's first state, its folder, and what makes that ready, once nothing can refuse the run; see RunOptions.trainer.
PreparedRun = tuple[Checkpoint, RunFolder, Callable[[], list[float]]]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    workers = ", ".join(f"{name} {preset.workers}" for name, preset in PRESETS.items())
    add_run_options(parser)
    parser.add_argument("--workers", type=options.whole_number, metavar="N",
                        help=f"processes (default: the preset's, here {workers}; for atari one for each core that "
                             "this process may use, at least 4)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S", help="random seed (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default runs/ENV-sSEED)")
    parser.add_argument("--resume", metavar="DIR", help="resume the run in this folder; DIR/latest.npz means DIR")
    parser.add_argument("--config", metavar="FILE",
                        help="train with the configuration in this file, a run's config.json; options that are typed "
                             "replace its values")
    add_quiet(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace the run in the folder")
    parser.add_argument("--tensorboard", action="store_true",
                        help="also write the progress to the run's folder in TensorBoard's format; to look at it: pip "
                             "install 'a3c_numba[tensorboard]', tensorboard --logdir DIR")
    group = parser.add_argument_group("evaluation and the end of a run", "a resumed run may change them")
    group.add_argument("--evaluate-every", type=options.whole_number, metavar="STEPS",
                       help="play whole games in a process of its own after every so many agent steps, and at the end, "
                            "as the command evaluate does; into evaluations.csv and the curve, and best.npz is chosen "
                            "by their mean (default: never; best.npz has the best mean of 100 training games)")
    group.add_argument("--evaluate-episodes", type=options.whole_number, metavar="N",
                       help="games of each evaluation (default 30)")
    group.add_argument("--stop-at", type=options.real_number, metavar="SCORE",
                       help="end the run once the mean score of the last 100 finished training games, and not before "
                            "there are 100, is at least SCORE; with --evaluate-every the mean of an evaluation "
                            "instead; rewards are not clipped in either")
    group = parser.add_argument_group("limits and checkpoints", "a resumed run may change them")
    group.add_argument("--save-replay", action=BooleanOptionalAction, default=None,
                       help="dqn: keep the replay memory in the run's folder, in replay.bin, so that a resumed run is "
                            "the one that was interrupted (default: no; when a run is resumed: as it was)")
    for field in dataclasses.fields(Limits):
        read = options.whole_number if isinstance(field.default, int) else float
        group.add_argument("--" + field.name.replace("_", "-"), type=read, metavar=type(field.default).__name__.upper(),
                           help=f"{field.metadata['help']} (default {field.default:g})")
    add_cluster_options(parser)
    options.add_hyper_parameters(parser)


def run(arguments: Namespace) -> int:
    """Train until the run ends; if it ends early, and not at a score, print how to resume it."""
    check_cluster_options(arguments)
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Limits)}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    if arguments.evaluate_episodes is not None and arguments.evaluate_every is None:
        raise ValueError("--evaluate-episodes needs --evaluate-every")
    episodes = 30 if arguments.evaluate_episodes is None else arguments.evaluate_episodes
    steering: RunOptions[None] = RunOptions(limits=limits, evaluate_every=arguments.evaluate_every,
                                            evaluate_episodes=episodes, stop_at=arguments.stop_at,
                                            cluster=cluster_of(arguments))
    with (resume_run if arguments.resume else new_run)(arguments) as prepared:
        _train(arguments, steering, prepared)
    return 0


def _train(arguments: Namespace, steering: RunOptions[None], prepared: PreparedRun) -> None:
    start, folder, begin = prepared
    config = start.config
    if not arguments.quiet:
        write_without_blocking(f"{config.env_name}: {config.workers} worker{'s' if config.workers > 1 else ''}"
                               f"{nodes_named(arguments)}, {config.total_steps:,} steps, into {folder.path}\n")
    try:
        trainer = steering.trainer(start, folder, _reporter(arguments, start, folder), begin=begin)
    except BaseException:                                                # no shared memory, or no cluster
        if not arguments.resume:
            folder.undo_create()
        raise
    try:
        trainer.run()
    finally:
        step = trainer.checkpointer.step if trainer.checkpointer else None
        if step is not None and step < config.total_steps and not trainer.stopped:
            write_without_blocking(f"step {step:,}; to resume: a3c-numba train{_named(config)} --resume "
                                   f"{shlex.quote(str(folder.path))}{cluster_as_typed(arguments)}\n")
    if not arguments.quiet:
        write_without_blocking(_next_commands(config, folder.path))


def _named(config: Config, option: str = "") -> str:
    """Return the environment and its arguments as they are typed, if they may name a module: no file may have it
    imported."""
    if not may_name_module(config.env_name, config.env_kwargs):
        return ""
    kwargs = f" --env-kwargs {shlex.quote(json.dumps(config.env_kwargs))}" if config.env_kwargs else ""
    return f" {option}{shlex.quote(config.env_name)}{kwargs}"


def _next_commands(config: Config, folder: Path) -> str:
    """Return the line at the end of a run: what to do with it."""
    env = _named(config, "--env ")
    run = shlex.quote(str(folder))
    return f"next: a3c-numba play {run}{env}, a3c-numba evaluate {run}{env}, a3c-numba report {run}\n"


def _reporter(arguments: Namespace, start: Checkpoint, folder: RunFolder) -> Reporter:
    shown: Reporter = Warnings() if arguments.quiet else ProgressBar(start.config.total_steps)
    if not arguments.tensorboard:
        return shown
    return TensorBoardReporter(shown, TensorBoardLog(folder.path, start.global_step))


@contextmanager
def new_run(arguments: Namespace) -> Iterator[PreparedRun]:
    """Create a run's folder and lock it; raise ValueError."""
    config = configured(arguments, arguments.workers)
    if arguments.save_replay is not None:
        config = dataclasses.replace(config, save_replay=arguments.save_replay).share_spaces(config)
    start = initial_checkpoint(config)                                   # fails before anything is written
    folder = RunFolder(folder_of(arguments, config, f"s{config.seed}"))
    check_space(config, folder.path)
    if config.save_replay and arguments.ray is not None:
        raise ValueError(ONE_MACHINE)
    with exclusive_lock(folder.path):
        folder.create(config.to_json(), arguments.overwrite, config.save_replay)
        _warn(annealing(config, config, 0) + without_update(config))
        explored = getattr(config.algorithm, "exploration_steps", 0)
        if explored > config.total_steps:
            _warn([f"epsilon is annealed over {explored:,} steps (--exploration-steps), but the run has only "
                   f"{config.total_steps:,}: exploration will still be high at the end"])
        yield start, folder, folder.discard_replaced


@contextmanager
def resume_run(arguments: Namespace) -> Iterator[PreparedRun]:
    """Lock a run's folder and load its newest checkpoint; raise ValueError."""
    names = ("preset", "algorithm", "optimizer", "workers", "seed", "out", "config")
    fixed = [name for name in names if getattr(arguments, name) is not None]
    if arguments.overwrite:
        fixed.append("overwrite")
    fixed += options.given(arguments)
    if fixed:
        name = fixed[0].replace("_", "-")
        raise ValueError(f"--resume continues the run as it was started: --{name} cannot change")
    folder = RunFolder(folder_of_run(arguments.resume))
    with exclusive_lock(folder.path):
        changes = {name: getattr(arguments, name) for name in MAY_CHANGE}
        on_cluster = arguments.ray is not None
        start, cut_back = load_run(folder, arguments.env, arguments.env_kwargs, changes, _warn, on_cluster)
        if not (start.config.save_replay and start.workers and (start.workers[0] or {}).get("replay")):
            _warn(without_update(start.config, start.global_step))
        yield start, folder, cut_back


def _warn(lines: list[str]) -> None:
    for line in lines:
        write_without_blocking(f"a3c-numba: warning: {line}\n")
