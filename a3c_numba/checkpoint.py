"""Checkpoints: one ``.npz`` file that holds arrays and a JSON text, never a pickle.

    meta         uint8    the JSON text, UTF-8: see ``_meta``
    theta        float32  (n,) all parameters, in the order and the shapes that ``meta["parameters"]`` lists
    statistics   float32  (n,) the optimiser's g, or m; (workers n,) where each worker has its own, one after the other
    target       float32  (n,) theta-, of a value method

The last two are absent from an agent that was saved to be used, not to be trained on.

Any program can read it with numpy alone: ``np.load(file)["theta"]``.

Loading trusts nothing, so that a stranger's file can be loaded: nothing in it is executed or imported, no number in it
is believed before it is held against what the file really has, and what it does not know is refused.

Writing is atomic: to a temporary file beside the target, flushed to the disk, then renamed.
"""

import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint_files as files
from .config import Config
from .parameters import leaves, size_of

FORMAT, VERSION = "a3c_numba checkpoint", 1
PROGRESS = ("global_step", "seconds", "workers", "streams", "mean_score")   # fields of Checkpoint that JSON holds
OPTIONAL = ("statistics", "target")                                         # arrays
DIMENSIONS, LARGEST = 8, 2**62                                              # of a parameter; of a whole number


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message is one line that names the file and the reason."""


class Mismatch(ValueError):
    """Parts of a checkpoint that were read whole, but do not belong together, or not here."""


@dataclass
class Checkpoint:
    """A moment of a run.

    Attributes:
        config: what the run was started with.
        shapes: dotted name -> shape of each parameter, in the order of theta.
        theta: float32 (n,).
        statistics: float32 (n,) or (workers n,), the optimiser's; None where there are none, or saved for use only.
        target: float32 (n,), theta-; None where the method has none, or it is as theta.
        global_step: agent steps of all workers.  seconds: wall-clock seconds of training.
        workers: the state of each worker's random stream and episode (``Player.state``), None where it is lost.
        streams: how many random streams the run has handed out, so that none is ever used twice.
        mean_score: of the last 100 training episodes, or None before the first.
    """

    config: Config
    shapes: dict[str, tuple[int, ...]]
    theta: np.ndarray
    statistics: np.ndarray | None = None
    target: np.ndarray | None = None
    global_step: int = 0
    seconds: float = 0.0
    workers: list[dict[str, Any] | None] = field(default_factory=list)
    streams: int = 0
    mean_score: float | None = None


def _meta(checkpoint: Checkpoint) -> str:
    fields = {name: getattr(checkpoint, name) for name in PROGRESS}
    head = {"format": FORMAT, "version": VERSION, "parameters": checkpoint.shapes,
            "has_statistics": checkpoint.statistics is not None, "has_target": checkpoint.target is not None}
    return json.dumps(head | fields | {"config": json.loads(checkpoint.config.to_json())})


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path`` itself, which is not whole in between.  Raises OSError."""
    optional = {name: getattr(checkpoint, name) for name in OPTIONAL}
    arrays = {"meta": np.frombuffer(_meta(checkpoint).encode(), np.uint8), "theta": checkpoint.theta}
    files.write(path, arrays | {name: array for name, array in optional.items() if array is not None})


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path``, whole or not at all.  Raises OSError; then no part of it stays on the disk."""
    with files.beside(path) as temporary:
        write(temporary, checkpoint)
        files.put(temporary, path)


def load(path: Path, env: Any = None) -> Checkpoint:
    """Read a checkpoint; raises CheckpointError.  ``env`` replaces the environment that it names.

    An id like "module:Name-v0" is refused unless that module has been imported already: to make such an environment
    is to execute the module.
    """
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        arrays = files.read(path)
        return _checkpoint(json.loads(arrays.pop("meta").tobytes().decode()), arrays, env)
    except CheckpointError:
        raise
    except Mismatch as error:
        raise CheckpointError(f"{path}: {_one_line(error)}") from None
    except Exception as error:                                           # whatever a stranger's file leads to
        raise CheckpointError(f"{path}: not a whole checkpoint ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    """The message, short, and nothing in it that a terminal would obey."""
    if isinstance(error, KeyError):
        return f"no {str(error)[:200]}"
    text = " ".join(str(error)[:1000].split())[:200] or type(error).__name__
    return "".join(x if x.isprintable() else "?" for x in text)


def _checkpoint(meta: dict[str, Any], arrays: dict[str, np.ndarray], env: Any) -> Checkpoint:
    """Raises Mismatch, or another Exception, for a text and arrays that do not belong together."""
    if meta["format"] != FORMAT or meta["version"] != VERSION:
        raise Mismatch(f"format {meta['format']!r} version {meta['version']!r}, this program reads version {VERSION}")
    shapes = {name: _shape(name, shape) for name, shape in meta["parameters"].items()}
    config = _config(meta["config"], env)
    for name in OPTIONAL:
        if meta.get(f"has_{name}", name in arrays) is not (name in arrays):
            raise Mismatch(f"has_{name} is {meta[f'has_{name}']!r}, and the arrays are {', '.join(arrays)}")
    for name, array in arrays.items():
        each = config.workers if name == "statistics" and config.optimizer.own_statistics else 1
        _check_array(name, array, each * size_of(shapes))
    vectors = arrays["theta"], arrays.get("statistics"), arrays.get("target")
    return Checkpoint(config, shapes, *vectors, **_progress(meta, config.workers))


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) > DIMENSIONS or not all(_is_count(n) and n > 0 for n in shape):
        raise Mismatch(f"the shape of {name[:80]} is {str(shape)[:80]}")
    return tuple(shape)


def _config(fields: Any, env: Any) -> Config:
    """The run's; raises Mismatch, also for an environment that is no id, or would have a module imported."""
    try:
        config = Config.from_json(json.dumps(fields), env)
    except ValueError as error:
        raise Mismatch(str(error)) from None
    if env is None:
        _check_env(config.env)
    return config


def _check_env(env: Any) -> None:
    if not isinstance(env, str):
        raise Mismatch(f"the environment is {str(env)[:80]}, expected an id")
    module, colon, _ = env.partition(":")
    if colon and module not in sys.modules:
        raise Mismatch(f"it names an environment of the module {module[:80]!r}, which loading would import: import it "
                       "yourself first, or give env=")


def _check_array(name: str, array: np.ndarray, size: int) -> None:
    if len(array) != size:
        raise Mismatch(f"{name} has {len(array)} numbers, its list of parameters {size}")
    if not np.isfinite(array).all():
        raise Mismatch(f"{name} holds numbers that are not finite")


def _progress(meta: dict[str, Any], workers: int) -> dict[str, Any]:
    """The fields of PROGRESS, each of its type; a mean that is not finite counts as none."""
    fields = {name: meta[name] for name in PROGRESS}
    mean, states = fields["mean_score"], fields["workers"]
    kinds = {"global_step": _is_count(fields["global_step"]), "streams": _is_count(fields["streams"]),
             "seconds": _is_number(fields["seconds"]) and 0 <= fields["seconds"] < math.inf,
             "mean_score": mean is None or _is_number(mean),
             "workers": isinstance(states, list) and len(states) in (0, workers) and all(map(_is_state, states))}
    for name, holds in kinds.items():
        if not holds:
            raise Mismatch(f"{name} is {str(fields[name])[:80]}")
    return fields | {"mean_score": mean if mean is not None and math.isfinite(mean) else None}


def _is_count(x: Any, largest: int = LARGEST) -> bool:
    return type(x) is int and 0 <= x <= largest


def _is_number(x: Any) -> bool:
    return type(x) is float or type(x) is int and abs(x) <= LARGEST


def _are_numbers(x: Any) -> bool:
    return isinstance(x, list) and all(map(_is_number, x))


def _is_state(state: Any) -> bool:
    """Whether it is what ``Player.state`` gives, and no field more; None stands for a state that is lost."""
    if not isinstance(state, dict):
        return state is None
    rest: dict[str, Any] = {"recurrent": [], "next_action": None, "steps": 0} | state
    return (rest.keys() == {"generator", "episode_seed", "episode_actions", "recurrent", "next_action", "steps"}
            and _is_generator(rest["generator"]) and _is_count(rest["steps"])
            and (rest["episode_seed"] is None or _is_count(rest["episode_seed"])) and _are_numbers(rest["recurrent"])
            and (rest["next_action"] is None or _is_action(rest["next_action"]))
            and isinstance(rest["episode_actions"], list) and all(map(_is_action, rest["episode_actions"])))


def _is_action(x: Any) -> bool:
    return _is_number(x) or _are_numbers(x)


def _is_generator(x: Any) -> bool:
    """Whether it is the state of numpy's PCG64."""
    fields = {"bit_generator", "state", "has_uint32", "uinteger"}
    if not isinstance(x, dict) or x.keys() != fields or not isinstance(x["state"], dict):
        return False
    inner = x["state"]
    return (x["bit_generator"] == "PCG64" and _is_count(x["has_uint32"], 1) and _is_count(x["uinteger"], 2**32 - 1)
            and inner.keys() == {"state", "inc"} and all(_is_count(n, 2**128 - 1) for n in inner.values()))


def load_fitting(path: Path, env: Any = None) -> Checkpoint:
    """``load``, and hold the parameters against the network that the configuration and the environment ask for.

    Raises CheckpointError; whatever an environment raises that was given by ``env`` comes out as it is.
    """
    checkpoint = load(path, env)
    try:
        made = checkpoint.config.make_env()
    except Exception as error:
        if env is not None:
            raise
        raise CheckpointError(f"{path}: {_one_line(error)}") from error
    try:
        expected = dict(leaves(checkpoint.config.build_network(made).shapes))
    except ValueError as error:
        raise CheckpointError(f"{path}: {_one_line(error)}: another network or environment") from None
    finally:
        made.close()
    if checkpoint.shapes != expected:
        wrong = sorted(set(expected.items()) ^ set(checkpoint.shapes.items()))[0][0]
        reason = ValueError(f"{wrong[:80]} is {checkpoint.shapes.get(wrong)}, the network for "
                            f"{checkpoint.config.env_name[:80]} has {expected.get(wrong)}")
        raise CheckpointError(f"{path}: {_one_line(reason)}: another network or environment")
    return checkpoint
