"""Checkpoints: one ``.npz`` file that holds arrays and a JSON text, never a pickle.

    meta         uint8    the JSON text, UTF-8: see ``_meta``
    theta        float32  (n,) all parameters, in the order and the shapes that ``meta["parameters"]`` lists
    statistics   float32  (n,) the optimiser's g, or m; (workers n,) where each worker has its own, one after the other
    target       float32  (n,) theta-, of a value method

The last two are absent from an agent that was saved to be used, not to be trained on.

Any program can read it with numpy alone: ``np.load(file)["theta"]``.  Loading trusts nothing: every header is held
against the size that the file really has before an array is made, and object arrays are refused.

Writing is atomic: to a temporary file beside the target, flushed to the disk, then renamed.
"""

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .config import Config
from .parameters import leaves, size_of

FORMAT, VERSION = "a3c_numba checkpoint", 1
PROGRESS = ("global_step", "seconds", "workers", "streams", "mean_score")   # fields of Checkpoint that JSON holds


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message is one line that names the file and the reason."""


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


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write ``checkpoint`` to ``path``, whole or not at all.  Raises OSError."""
    arrays = {"meta": np.frombuffer(_meta(checkpoint).encode(), np.uint8), "theta": checkpoint.theta}
    optional = {"statistics": checkpoint.statistics, "target": checkpoint.target}
    arrays |= {name: array for name, array in optional.items() if array is not None}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the platform can open a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    os.fsync(descriptor)
    os.close(descriptor)


def load(path: Path, env: Any = None) -> Checkpoint:
    """Read a checkpoint; raises CheckpointError.  ``env`` replaces the environment that it names."""
    try:
        with zipfile.ZipFile(path) as archive:
            meta = json.loads(_array(archive, "meta", np.uint8, path).tobytes().decode())
            if meta["format"] != FORMAT or meta["version"] != VERSION:
                raise CheckpointError(f"{path}: format {meta['format']!r} version {meta['version']!r}, "
                                      f"this program reads version {VERSION}")
            arrays = {name: _array(archive, name, np.float32, path) for name in ("theta", "statistics", "target")
                      if name == "theta" or meta.get(f"has_{name}", f"{name}.npy" in archive.namelist())}
        return _checkpoint(path, meta, arrays, env)
    except CheckpointError:
        raise
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile,
            NotImplementedError, RuntimeError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a whole checkpoint ({_one_line(error)})") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _array(archive: zipfile.ZipFile, name: str, dtype: Any, path: Path) -> np.ndarray:
    """A one-dimensional array of this dtype; nothing is allocated before its header agrees with the file's size."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > os.path.getsize(path):
        raise CheckpointError(f"{path}: {name} is compressed, or claims more than the file holds")
    with archive.open(info) as member:
        shape, found = _header(member)  # type: ignore[arg-type]
        if found != np.dtype(dtype) or len(shape) != 1 or shape[0] * found.itemsize > info.file_size:
            raise CheckpointError(f"{path}: {name} is {found} {shape}, expected one dimension of {np.dtype(dtype)}")
        content = member.read()
    if len(content) != shape[0] * found.itemsize:
        raise CheckpointError(f"{path}: {name} has {len(content)} bytes, its header says {shape[0] * found.itemsize}")
    return np.frombuffer(content, found).copy()


def _header(member: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    if np.lib.format.read_magic(member) != (1, 0):
        raise ValueError("unknown array format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    return shape, dtype


def _checkpoint(path: Path, meta: dict[str, Any], arrays: dict[str, np.ndarray], env: Any) -> Checkpoint:
    shapes = {name: tuple(shape) for name, shape in meta["parameters"].items()}
    try:
        config = Config.from_json(json.dumps(meta["config"]), env)
    except ValueError as error:
        raise CheckpointError(f"{path}: {_one_line(error)}") from None
    for name, array in arrays.items():
        each = config.workers if name == "statistics" and config.optimizer.own_statistics else 1
        if array.shape != (each * size_of(shapes),):
            raise CheckpointError(f"{path}: {name} has {len(array)} numbers, its list of parameters "
                                  f"{each * size_of(shapes)}")
        if not np.isfinite(array).all():
            raise CheckpointError(f"{path}: {name} holds numbers that are not finite")
    vectors = arrays["theta"], arrays.get("statistics"), arrays.get("target")
    return Checkpoint(config, shapes, *vectors, **{name: meta[name] for name in PROGRESS})


def load_fitting(path: Path, env: Any = None) -> Checkpoint:
    """``load``, and hold the parameters against the network that the configuration and the environment ask for."""
    checkpoint = load(path, env)
    made = checkpoint.config.make_env()
    try:
        expected = dict(leaves(checkpoint.config.build_network(made).shapes))
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}: another network or environment") from None
    finally:
        made.close()
    if checkpoint.shapes != expected:
        wrong = sorted(set(expected.items()) ^ set(checkpoint.shapes.items()))[0][0]
        raise CheckpointError(f"{path}: {wrong} is {checkpoint.shapes.get(wrong)}, the network for "
                              f"{checkpoint.config.env_name} has {expected.get(wrong)}: another network or environment")
    return checkpoint
