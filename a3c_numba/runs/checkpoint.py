"""Checkpoints: one ``.npz`` file that holds arrays and a JSON text, never a pickle.

    meta         uint8    the JSON text, UTF-8: see ``write``
    theta        float32  (n,) all parameters, in the order and the shapes that ``meta["parameters"]`` lists
    statistics   float32  (n,) the optimiser's g, or m; (workers n,) where each worker has its own, one after the other
    target       float32  (n,) theta-, of a value method

The last two are absent from an agent that was saved to be used, not to be trained on.

Every program can read it with numpy alone: ``np.load(file)["theta"]``.

Loading trusts nothing, so that untrusted files can be loaded: nothing in a file is executed or imported, every size is
validated against the file's actual content before use, and unknown fields are rejected.

Writing is atomic: to a temporary file beside the target, flushed to the disk, then renamed.
"""

import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

import numpy as np

from ..config import Config, EnvironmentNeeded, EnvSource, menu_name
from ..core.parameters import leaves, size_of
from ..system import atomic_file
from ..system.advised_error import AdvisedError
from ..system.text import one_line
from . import npz as files
from .checkpoint_schema import PROGRESS, Fields, Mismatch, check_array, progress, shape_of

FORMAT, VERSION = "a3c_numba checkpoint", 1
WorkerState = Fields            # see training/collector_state.py
OPTIONAL = ("statistics", "target")             # arrays


class CheckpointError(AdvisedError, ValueError):
    """A checkpoint that cannot be read; the message is one line that names the file and the reason."""

    @property
    def needs_env(self) -> bool:
        """True if it could be read with the environment given, which is what is advised."""
        return bool(self.advice)


@dataclass
class Checkpoint:
    """The state of a run at one moment.

    Attributes:
        config: what the run was started with.
        shapes: dotted name -> shape of each parameter, in the order of theta.
        theta: float32 (n,).
        statistics: float32 (n,) or (workers n,), the optimiser's; None where there are none, or saved for use only.
        target: float32 (n,), theta-; None where the method has none, or it is as theta.
        global_step: agent steps of all workers.  seconds: wall-clock seconds of training.
        workers: the state of each worker's random stream and episode (training/collector_state.py), None where it is
        lost. streams: how many random streams the run has handed out, so that none is ever used twice.
        mean_score: of the last 100 training episodes, or None before the first.
        evaluation_score: mean of the evaluation that chose it as the best; None if mean_score did, or nothing.
        other_optimizer: whose statistics the file held, which are left out; None if the optimiser is the same.
    """

    config: Config
    shapes: dict[str, tuple[int, ...]]
    theta: np.ndarray
    statistics: np.ndarray | None = None
    target: np.ndarray | None = None
    global_step: int = 0
    seconds: float = 0.0
    workers: list[WorkerState | None] = field(default_factory=list)
    streams: int = 0
    mean_score: float | None = None
    evaluation_score: float | None = None
    other_optimizer: str | None = None


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path`` directly, not atomically.  Raises OSError."""
    fields = {name: getattr(checkpoint, name) for name in PROGRESS}
    head = {"format": FORMAT, "version": VERSION, "parameters": checkpoint.shapes,
            "has_statistics": checkpoint.statistics is not None, "has_target": checkpoint.target is not None}
    meta = json.dumps(head | fields | {"config": json.loads(checkpoint.config.to_json())})
    arrays = {"meta": np.frombuffer(meta.encode(), np.uint8), "theta": checkpoint.theta}
    optional = {name: getattr(checkpoint, name) for name in OPTIONAL}
    files.write(path, arrays | {name: array for name, array in optional.items() if array is not None})


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path`` atomically.  Raises OSError; then nothing of it stays on the disk."""
    with atomic_file.temporary_sibling(path) as temporary:
        write(temporary, checkpoint)
        atomic_file.rename_and_fsync(temporary, path)


def load(path: Path, env: EnvSource | None = None, env_kwargs: Mapping[str, object] | None = None,
         **parts: object) -> Checkpoint:
    """Read a checkpoint; raises CheckpointError.  ``env`` and ``env_kwargs`` replace the environment that it names.

    ``parts``, such as ``algorithm``, replace its own; those that are not of this package have to be given.

    An id like "module:Name-v0" is refused unless that module has been imported already, and has registered the id: to
    make such an environment is to execute the module.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        arrays = files.read(path)
        return _checkpoint(json.loads(arrays.pop("meta").tobytes().decode()), arrays, env, env_kwargs, parts)
    except CheckpointError:
        raise
    except EnvironmentNeeded as error:
        raise CheckpointError(f"{path}: {_one_line(error.reason)}", error.advice) from None
    except Mismatch as error:
        raise CheckpointError(f"{path}: {_one_line(error)}") from None
    except Exception as error:                                           # whatever a stranger's file leads to
        raise CheckpointError(f"{path}: not a whole checkpoint ({_one_line(error)})") from error


def _one_line(error: Exception | str) -> str:
    """Return the message, short and without control characters."""
    if isinstance(error, KeyError):
        return f"no {str(error)[:200]}"
    return one_line(str(error)[:1000])[:200] or type(error).__name__


def _checkpoint(meta: Fields, arrays: dict[str, np.ndarray], env: EnvSource | None,
                env_kwargs: Mapping[str, object] | None, parts: Mapping[str, object]) -> Checkpoint:
    """Raises Mismatch, or another Exception, for a text and arrays that do not belong together."""
    if meta["format"] != FORMAT or meta["version"] != VERSION:
        raise Mismatch(f"format {meta['format']!r} version {meta['version']!r}, this program reads version {VERSION}")
    shapes = {name: shape_of(name, shape) for name, shape in meta["parameters"].items()}
    if not getattr(parts.get("algorithm"), "uses_replay", True):         # the file's method, which is replaced, had one
        meta["config"].pop("save_replay", None)
    try:
        config = Config.from_json(json.dumps(meta["config"]), env, env_kwargs, **parts)
    except EnvironmentNeeded:
        raise
    except ValueError as error:
        raise Mismatch(str(error)) from None
    if env is None and not isinstance(config.env, str):
        raise Mismatch(f"the environment is {str(config.env)[:80]}, expected an id")
    if env is None or env_kwargs is None:
        if found := config.foreign_code(name_is_given=env is not None):
            raise EnvironmentNeeded(f"it names {found}", "import it yourself first, or give env= and env_kwargs=")
    if "env_kwargs" not in meta["config"]:
        _check_bytes(config)
    for name in OPTIONAL:
        if meta.get(f"has_{name}", name in arrays) is not (name in arrays):
            raise Mismatch(f"has_{name} is {meta[f'has_{name}']!r}, and the arrays are {', '.join(arrays)}")
    before, other = meta["config"]["optimizer"]["name"], None
    if menu_name(config.optimizer) != before and arrays.pop("statistics", None) is not None:
        other = before
    for name, array in arrays.items():
        each = config.workers if name == "statistics" and config.optimizer.own_statistics else 1
        check_array(name, array, each * size_of(shapes))
    vectors = arrays["theta"], arrays.get("statistics"), arrays.get("target")
    return Checkpoint(config, shapes, *vectors, **progress(meta, config.workers), other_optimizer=other)


def _check_bytes(config: Config) -> None:
    """Raise Mismatch for an agent of version 0.1 whose environment's bytes are scaled now."""
    scaling = None
    with suppress(Exception):                                            # of making it, which is reported elsewhere
        scaling = config.spaces.scaling if config.network.takes((1,)) else None
    if scaling:
        raise Mismatch("version 0.1 trained it on bytes that were not scaled to 0 .. 1: train it again")


def load_fitting(path: Path, env: EnvSource | None = None,
                 env_kwargs: Mapping[str, object] | None = None, **parts: object) -> Checkpoint:
    """Load a checkpoint and compare its parameters with the network of its configuration and environment.

    Raises CheckpointError; exceptions of an environment that was given by ``env`` or ``env_kwargs`` are passed on
    unchanged.
    """
    checkpoint = load(path, env, env_kwargs, **parts)
    try:
        spaces = checkpoint.config.spaces
    except Exception as error:
        if env is not None or env_kwargs is not None:
            raise
        raise CheckpointError(f"{path}: {_one_line(error)}") from error
    try:
        expected = dict(leaves(checkpoint.config.build_network(spaces).shapes))
        if checkpoint.shapes != expected:
            wrong = sorted(set(expected.items()) ^ set(checkpoint.shapes.items()))[0][0]
            raise ValueError(f"{wrong[:80]} is {checkpoint.shapes.get(wrong)}, the network for "
                             f"{checkpoint.config.env_name[:80]} has {expected.get(wrong)}")
    except ValueError as error:
        raise CheckpointError(f"{path}: {_one_line(error)}: another network or environment") from None
    return checkpoint


def step_of(path: Path) -> float:
    """Return the step of a checkpoint; infinity if it cannot be read."""
    try:
        return int(json.loads(files.read(path)["meta"].tobytes())["global_step"])
    except Exception:                                                    # whatever a damaged file leads to
        return math.inf
