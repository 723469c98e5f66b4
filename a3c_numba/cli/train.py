"""``a3c-numba train``: start a run, or resume one; its folder is locked until the command ends."""

import dataclasses
import json
import shlex
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from ..config import Config
from ..plots.curves import draw_curve
from ..presets import PRESETS
from ..progress_bar import ProgressBar, Warnings
from ..runs.checkpoint import Checkpoint
from ..runs.run_folder import RunFolder, RunFolderError
from ..system.directory_lock import exclusive_lock
from ..system.terminal import write_without_blocking
from ..training.limits import Limits
from ..training.trainer import Trainer, initial_checkpoint
from . import hyperparameter_options as options
from .shared_options import add_run_options, configured, folder_of

PreparedRun = tuple[Checkpoint, RunFolder, list[float]]      # a run's first state, its folder, the scores it has so far


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    workers = ", ".join(f"{name} {preset.workers}" for name, preset in PRESETS.items())
    add_run_options(parser)
    parser.add_argument("--workers", type=options.whole_number, metavar="N",
                        help=f"processes (default: the preset's, here {workers}; for atari one for each core that "
                             "this process may use, at least 4)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S", help="random seed (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default runs/ENV-sSEED)")
    parser.add_argument("--resume", metavar="DIR", help="resume the run in this folder")
    parser.add_argument("--config", metavar="FILE",
                        help="train with the configuration in this file, a run's config.json; options that are typed "
                             "replace its values")
    parser.add_argument("--quiet", action="store_true", help="show warnings and errors alone, and no progress")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in the folder")
    group = parser.add_argument_group("limits and checkpoints")
    for field in dataclasses.fields(Limits):
        read = options.whole_number if isinstance(field.default, int) else float
        group.add_argument("--" + field.name.replace("_", "-"), type=read, metavar=type(field.default).__name__.upper(),
                           help=f"{field.metadata['help']} (default {field.default:g})")
    options.add_hyper_parameters(parser)


def run(arguments: Namespace) -> int:
    """Train until the run ends; if it ends early, print how to resume it."""
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Limits)}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    with (resume_run if arguments.resume else new_run)(arguments) as prepared:
        _train(arguments, limits, prepared)
    return 0


def _train(arguments: Namespace, limits: Limits, prepared: PreparedRun) -> None:
    start, folder, scores = prepared
    config = start.config
    reporter = Warnings() if arguments.quiet else ProgressBar(config.total_steps)
    if not arguments.quiet:
        write_without_blocking(f"{config.env_name}: {config.workers} worker{'s' if config.workers > 1 else ''}, "
                               f"{config.total_steps:,} steps, into {folder.path}\n")
    try:
        trainer = Trainer(start, folder.path, reporter, limits=limits, draw_curve=draw_curve)
    except OSError:                                                      # no shared memory
        if not arguments.resume:
            folder.undo_create()
        raise
    trainer.progress_tracker.resume_from(scores)
    try:
        trainer.run()
    finally:
        step = trainer.checkpointer.step if trainer.checkpointer else None
        if step is not None and step < config.total_steps:
            name = config.env_name
            env = f"{shlex.quote(name)} " if ":" in name else ""         # an id that names a module: to import it
            write_without_blocking(f"step {step:,}; to resume: a3c-numba train {env}--resume "
                                   f"{shlex.quote(str(folder.path))}\n")
    if not arguments.quiet:
        write_without_blocking(_next_commands(config, folder.path))


def _next_commands(config: Config, folder: Path) -> str:
    """Return the line at the end of a run: what to do with it."""
    env = f" --env {shlex.quote(config.env_name)}" if ":" in config.env_name else ""
    run = shlex.quote(str(folder))
    return f"next: a3c-numba play {run}{env}, a3c-numba evaluate {run}{env}, a3c-numba report {run}\n"


@contextmanager
def new_run(arguments: Namespace) -> Iterator[PreparedRun]:
    """Create a run's folder and lock it; raise ValueError."""
    config = configured(arguments, arguments.workers)
    start = initial_checkpoint(config)                                   # fails before anything is written
    folder = RunFolder(folder_of(arguments, config, f"s{config.seed}"))
    with exclusive_lock(folder.path):
        folder.create(config.to_json(), arguments.overwrite)
        explored = getattr(config.algorithm, "exploration_steps", 0)
        if explored > config.total_steps:
            _warn([f"epsilon is annealed over {explored:,} steps (--exploration-steps), but the run has only "
                   f"{config.total_steps:,}: exploration will still be high at the end"])
        yield start, folder, []


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
    folder = RunFolder(Path(arguments.resume))
    if not folder.path.is_dir():
        raise RunFolderError(f"{folder.path / 'latest.npz'}: no such file")
    with exclusive_lock(folder.path):
        yield _load_run(arguments, folder)


def _load_run(arguments: Namespace, folder: RunFolder) -> PreparedRun:
    """Load the newest checkpoint, and cut the folder's tables back to its step."""
    _check_same(arguments, folder.path / "config.json")
    start, refused = folder.load_latest(arguments.env, arguments.env_kwargs)
    _warn(refused + _edited(folder.path / "config.json", arguments.env, start.config))
    if arguments.total_steps is not None:
        start.config = dataclasses.replace(start.config, total_steps=arguments.total_steps)
    if start.global_step >= start.config.total_steps:
        raise ValueError(f"{folder.path} has made all of its {start.config.total_steps:,} steps: "
                         "give a larger --total-steps to continue")
    if not refused:                                                      # then latest.npz is as new
        (folder.path / "final.npz").unlink(missing_ok=True)
    folder.quarantine_rejected()
    scores = folder.cut_after(start.global_step)
    _warn([event.sentence for event in folder.events.drain()])
    return start, folder, scores


def _warn(lines: list[str]) -> None:
    for line in lines:
        write_without_blocking(f"a3c-numba: warning: {line}\n")


def _edited(file: Path, env: str | None, config: Config) -> list[str]:
    """Return a warning if a run's config.json, which says how it was started, differs from its checkpoint.

    Another number of steps is not reported: an earlier --resume may have changed it.
    """
    try:
        found = Config.from_json(file.read_text(encoding="utf-8"), env)
    except (OSError, ValueError) as error:
        return [f"{file} cannot be read ({error}): the run continues with its checkpoint's configuration"]
    names = [field.name for field in dataclasses.fields(Config)
             if field.name != "total_steps" and getattr(found, field.name) != getattr(config, field.name)]
    if not names:
        return []
    return [f"{file} was changed ({', '.join(names)}): the run continues with its checkpoint's configuration"]


def _check_same(arguments: Namespace, file: Path) -> None:
    """Raise ValueError if a run's config.json names another environment, or other arguments, than were typed."""
    if arguments.env is None and arguments.env_kwargs is None:
        return
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        found, kwargs = config["env"], config.get("env_kwargs", {})      # older files lack the latter
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderError(f"{file} does not say which environment the run was started with: {error!r}") from None
    if arguments.env not in (None, found):
        raise ValueError(f"--resume continues the run as it was started, with {found}: "
                         f"the environment cannot become {arguments.env}")
    if arguments.env_kwargs not in (None, kwargs):
        raise ValueError(f"--resume continues the run as it was started, with --env-kwargs {json.dumps(kwargs)}: "
                         f"they cannot become {json.dumps(arguments.env_kwargs)}")
