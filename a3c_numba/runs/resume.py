"""Resume a run as it was started: load its newest checkpoint, and cut its tables back to that step."""

import dataclasses
import json
import math
from functools import partial
from pathlib import Path
from typing import Any, Callable, Mapping

from ..config import MAY_CHANGE, Config, EnvSource
from ..core.schedules import linear
from ..envs.env_kwargs import checked_env_kwargs
from ..envs.names import has_name, is_called, name_of
from ..system.text import one_line
from ..system.user_path import user_path
from . import npz
from .checkpoint import Checkpoint, step_of
from .replay_file import ONE_MACHINE, check_space
from .run_folder import RunFolder, RunFolderError

Warn = Callable[[list[str]], None]


def folder_of_run(source: str | Path) -> Path:
    """Return the folder of the run that ``source`` names: the folder, or its latest.npz.  Raise RunFolderError."""
    path = user_path(source)
    if path.is_dir():
        return path
    if not path.is_file():
        missing = path if path.suffix == ".npz" else path / "latest.npz"
        raise RunFolderError(f"{missing}: no such file")
    if path.name != "latest.npz":
        raise RunFolderError(f"{path} is a file: a run is resumed from its newest checkpoint",
                             f"name its folder, {path.parent}")
    return path.parent


def load_run(folder: RunFolder, env: EnvSource | None, env_kwargs: Mapping[str, object] | None,
             changes: Mapping[str, int | None], warn: Warn, on_cluster: bool = False,
             **parts: object) -> tuple[Checkpoint, Callable[[], list[float]]]:
    """Return the checkpoint to resume from, and a function that brings the folder, which must be locked, to its step.

    Call that once nothing else can refuse the run; it returns the scores of the run's episodes so far, and logs what is
    not as it was to the folder's events.  It raises RunFolderError.

    ``changes`` replace the fields of MAY_CHANGE, ``parts`` the run's parts, unless they are None.  Raise ValueError, in
    one line, if the run cannot be resumed.
    """
    file = folder.path / "config.json"
    if folder.put_back():
        warn(["the run that --overwrite was to replace is put back: the new run had saved nothing"])
    _check_same(file, env, env_kwargs)
    _check_parts(file, parts)
    start, refused = folder.load_latest(env, env_kwargs, **parts)
    warn(refused + _edited(file, env, env_kwargs, start.config, **parts))
    if start.other_optimizer is not None:
        warn([f"the optimiser's statistics begin anew: the checkpoint has those of {one_line(start.other_optimizer)}"])
    before = start.config
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    start.config = dataclasses.replace(before, **given).share_spaces(before)
    warn(annealing(start.config, before, start.global_step))
    if start.global_step >= start.config.total_steps:
        raise RunFolderError(f"{folder.path} has made {start.global_step:,} of its {start.config.total_steps:,} steps",
                             "give a larger total_steps to continue, or load its agent with Agent.load",
                             "give a larger --total-steps to continue")
    if start.config.save_replay and on_cluster:
        raise RunFolderError(ONE_MACHINE, "give save_replay=False", "give --no-save-replay")
    check_space(start.config, folder.path)
    return start, partial(_cut_back, folder, start.global_step, not refused)


def _cut_back(folder: RunFolder, global_step: int, is_newest: bool) -> list[float]:
    final = folder.path / "final.npz"
    try:
        scores = folder.cut_after(global_step)
        folder.quarantine_rejected()                                     # once nothing can refuse the run
        step = step_of(final)                                            # a newer one stays until latest.npz is as new
        if step <= global_step or is_newest and math.isinf(step):        # unreadable
            final.unlink(missing_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot go on with {folder.path}: {error}") from None
    return scores


def _check_parts(file: Path, parts: Mapping[str, object]) -> None:
    """Raise RunFolderError for a part that was given although the run's is of this package."""
    for part in [part for part, value in parts.items() if value is not None]:
        try:
            is_own = json.loads(file.read_text(encoding="utf-8"))[part].get("is_own") is True
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            is_own = True                                                # the checkpoint says what is wrong
        if not is_own:
            raise RunFolderError(f"a run is resumed as it was started: its {part} cannot change")


def _edited(file: Path, env: EnvSource | None, env_kwargs: Mapping[str, object] | None, config: Config,
            **parts: object) -> list[str]:
    """Return a warning if a run's config.json, which says how it was started, differs from its checkpoint.

    What may change is not reported: it may have been resumed with more steps.
    """
    try:
        found = Config.from_json(file.read_text(encoding="utf-8"), env, env_kwargs, **parts)
    except (OSError, ValueError) as error:
        return [f"{file} cannot be read ({error}): the run continues with its checkpoint's configuration"]
    names = [field.name for field in dataclasses.fields(Config)
             if getattr(found, field.name) != getattr(config, field.name) and field.name not in MAY_CHANGE]
    if not names:
        return []
    return [f"{file} was changed ({', '.join(names)}): the run continues with its checkpoint's configuration"]


def _check_same(file: Path, env: EnvSource | None, env_kwargs: Mapping[str, object] | None) -> None:
    """Raise ValueError if a run's config.json names another environment, or other arguments, than were given.

    A factory without a name that can be typed, such as a lambda, may be any that is given.
    """
    if env is None and env_kwargs is None:
        return
    given = None if env_kwargs is None else checked_env_kwargs(env_kwargs)
    try:
        config = _started_with(file)
        started, kwargs = config["env"], config.get("env_kwargs", {})    # older files lack the latter
        same = env is None or is_called(env, started)
        known = env is None or has_name(started) and has_name(name_of(env))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderError(f"{file} does not say which environment the run was started with: {error!r}") from None
    if not same and known:
        raise RunFolderError(f"a run is resumed as it was started, with {one_line(started)}: the environment cannot "
                             f"become {one_line(name_of(env or ''))}")
    if not same and kwargs and given is None:
        raise RunFolderError(f"the run was started with the keyword arguments {json.dumps(kwargs)}",
                             "give them as env_kwargs=", "give them as --env-kwargs")
    if given not in (None, kwargs):
        raise RunFolderError(f"a run is resumed as it was started, with the keyword arguments {json.dumps(kwargs)}: "
                             f"they cannot become {json.dumps(given)}")


def _started_with(file: Path) -> Any:
    """Return a run's configuration from its config.json, or else its newest checkpoint; raise what reading raises."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        for checkpoint in sorted(file.parent.glob("latest*.npz"), key=step_of, reverse=True):
            if math.isfinite(step_of(checkpoint)):
                return json.loads(npz.read(checkpoint)["meta"].tobytes())["config"]
        raise


def annealing(config: Config, before: Config, step: int) -> list[str]:
    """Return a warning if the learning rate reaches 0 before the run ends, or is not what it was at this step."""
    if config.horizon < config.total_steps:
        return [f"from step {config.horizon:,} on (anneal_steps) the learning rate is 0"]
    rates = [linear(part.optimizer.learning_rate, 0, step / part.horizon) for part in (before, config)]
    if rates[0] == rates[1]:
        return []
    return [f"the learning rate was {rates[0]:.2g} at step {step:,}, and is {rates[1]:.2g} now: it is annealed to 0 at "
            f"step {config.horizon:,} instead of {before.horizon:,}"]
