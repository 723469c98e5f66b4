"""How a run begins, or goes on where it was interrupted; its folder is its own until it has ended."""

import dataclasses
import json
from argparse import Namespace
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from ..config import Config, name_of
from ..presets import configure
from ..runs.checkpoint import Checkpoint
from ..runs.run_folder import RunFolder, RunFolderError
from ..system.directory_lock import alone_in
from ..system.terminal import tell
from ..training.trainer import start_of
from . import hyperparameter_options as options

DEFAULT_ENV = "ALE/Pong-v5"
Begun = tuple[Checkpoint, RunFolder, list[float]]       # where a run starts from, its folder, its scores so far


@contextmanager
def started(arguments: Namespace) -> Iterator[Begun]:
    """Within ``with``, a new run, its folder locked; raises ValueError in one line."""
    config = configured(arguments, workers=arguments.workers)
    start = start_of(config)                                             # fails before anything is written
    folder = RunFolder(folder_of(arguments, config, f"s{config.seed}"))
    with alone_in(folder.path):
        folder.create(config.to_json(), arguments.overwrite)
        explored = getattr(config.algorithm, "exploration_steps", 0)
        if explored > config.total_steps:
            _warn([f"epsilon falls over {explored:,} steps (--exploration-steps), and the run has "
                   f"{config.total_steps:,}: it will not have become small"])
        yield start, folder, []


def configured(arguments: Namespace, workers: int | None) -> Config:
    """What was typed; the rest as the preset has it."""
    typed = {name: getattr(arguments, name) for name in ("algorithm", "optimizer", "total_steps", "seed")}
    config = configure(arguments.env or DEFAULT_ENV, arguments.preset, workers=workers, **typed)
    return options.apply(config, options.given(arguments))


def folder_of(arguments: Namespace, config: Config, name: str) -> Path:
    """``--out``, or runs/ENV-METHOD-NAME."""
    method = "" if name_of(config.algorithm) == "a3c" else name_of(config.algorithm) + "-"
    return Path(arguments.out or f"runs/{config.env_name.split('/')[-1]}-{method}{name}")


@contextmanager
def resumed(arguments: Namespace) -> Iterator[Begun]:
    """Within ``with``, the run in a folder, which is locked; raises ValueError in one line."""
    names = ("preset", "algorithm", "optimizer", "workers", "seed", "out")
    fixed = [name for name in names if getattr(arguments, name) is not None]
    fixed += ["overwrite"] * arguments.overwrite + list(options.given(arguments))
    if fixed:
        name = fixed[0].replace("_", "-")
        raise ValueError(f"--resume goes on with the run as it was started: --{name} cannot change")
    folder = RunFolder(Path(arguments.resume))
    if not folder.path.is_dir():
        raise RunFolderError(f"{folder.path / 'latest.npz'}: no such file")
    with alone_in(folder.path):
        yield _gone_on(arguments, folder)


def _gone_on(arguments: Namespace, folder: RunFolder) -> Begun:
    if arguments.env is not None:
        _check_same(arguments.env, folder.path / "config.json")
    start, refused = folder.newest(arguments.env)
    _warn(refused + _edited(folder.path / "config.json", arguments.env, start.config))
    if arguments.total_steps is not None:
        start.config = dataclasses.replace(start.config, total_steps=arguments.total_steps)
    if start.global_step >= start.config.total_steps:
        raise ValueError(f"{folder.path} has made all of its {start.config.total_steps:,} steps: "
                         "give a larger --total-steps to go on")
    if not refused:                                                      # then latest.npz has the same
        (folder.path / "final.npz").unlink(missing_ok=True)
    folder.put_aside()
    scores = folder.cut_after(start.global_step)
    _warn(folder.warnings)
    return start, folder, scores


def _warn(lines: list[str]) -> None:
    for line in lines:
        tell(f"a3c-numba: warning: {line}\n")


def _edited(file: Path, env: str | None, config: Config) -> list[str]:
    """A line where a run's config.json, which says how it was started, differs from its checkpoint's configuration.

    Another number of steps says nothing: an earlier --resume may have changed it.
    """
    try:
        found = Config.from_json(file.read_text(encoding="utf-8"), env)
    except (OSError, ValueError) as error:
        return [f"{file} cannot be read ({error}): the run goes on as its checkpoint says"]
    names = [field.name for field in dataclasses.fields(Config)
             if field.name != "total_steps" and getattr(found, field.name) != getattr(config, field.name)]
    return [f"{file} was changed ({', '.join(names)}): the run goes on as its checkpoint says"] if names else []


def _check_same(env: str, file: Path) -> None:
    """Raises ValueError where a run's config.json names another environment."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["env"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunFolderError(f"{file} does not say which environment the run was started with: {error!r}") from None
    if found != env:
        raise ValueError(f"--resume goes on with the run as it was started, with {found}: it cannot become {env}")
