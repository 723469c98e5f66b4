"""Validate what a checkpoint says of itself; each function raises Mismatch, in one line."""

import math
from typing import Any

import numpy as np

from .compact_array import decode

# Fields of Checkpoint that JSON holds; older files lack evaluation_score.
PROGRESS = "global_step", "seconds", "workers", "streams", "mean_score", "evaluation_score"
Fields = dict[str, Any]        # of a JSON object
STATE = {"generator", "episode_seed", "episode_actions", "recurrent", "next_action", "steps", "replay"}
DIMENSIONS, LARGEST = 8, 2**62                                              # of a parameter; of a whole number


class Mismatch(ValueError):
    """Parts of a checkpoint that are intact but do not fit together, or not this use."""


def shape_of(name: str, shape: object) -> tuple[int, ...]:
    """Return a parameter's shape, read from JSON."""
    if not isinstance(shape, list) or len(shape) > DIMENSIONS or not all(_is_count(n) and n > 0 for n in shape):
        raise Mismatch(f"the shape of {name[:80]} is {str(shape)[:80]}")
    return tuple(shape)


def check_array(name: str, array: np.ndarray, size: int) -> None:
    """Raise Mismatch unless the array has this many numbers, all finite."""
    if len(array) != size:
        raise Mismatch(f"{name} has {len(array)} numbers, its list of parameters {size}")
    if not np.isfinite(array).all():
        raise Mismatch(f"{name} holds numbers that are not finite")


def progress(meta: Fields, workers: int) -> Fields:
    """Return the fields of PROGRESS, each of its type; a mean that is not finite becomes None."""
    known: Fields = {"evaluation_score": None} | meta
    fields = {name: known[name] for name in PROGRESS}
    means, states = {name: fields[name] for name in ("mean_score", "evaluation_score")}, fields["workers"]
    kinds = {"global_step": _is_count(fields["global_step"]), "streams": _is_count(fields["streams"]),
             "seconds": _is_number(fields["seconds"]) and 0 <= fields["seconds"] < math.inf,
             **{name: mean is None or _is_number(mean) for name, mean in means.items()},
             "workers": isinstance(states, list) and len(states) in (0, workers) and all(map(_is_state, states))}
    for name, holds in kinds.items():
        if not holds:
            raise Mismatch(f"{name} is {str(fields[name])[:80]}")
    return fields | {name: mean if mean is not None and math.isfinite(mean) else None for name, mean in means.items()}


def _is_count(x: object, largest: int = LARGEST) -> bool:
    return type(x) is int and 0 <= x <= largest


def _is_number(x: object) -> bool:
    return type(x) is float or type(x) is int and abs(x) <= LARGEST


def _are_numbers(x: object) -> bool:
    return isinstance(x, list) and all(map(_is_number, x))


def _is_state(state: object) -> bool:
    """True if it has exactly the fields of training/collector_state.py, or is None, a lost state."""
    if not isinstance(state, dict):
        return state is None
    rest: Fields = {"recurrent": [], "next_action": None, "steps": 0, "replay": None} | state
    return (rest.keys() == STATE and _is_generator(rest["generator"]) and _is_count(rest["steps"])
            and (rest["episode_seed"] is None or _is_count(rest["episode_seed"])) and _are_numbers(rest["recurrent"])
            and (rest["next_action"] is None or _is_action(rest["next_action"]))
            and _are_actions(rest["episode_actions"]) and (rest["replay"] is None or _is_memory(rest["replay"])))


def _is_memory(x: object) -> bool:
    """True if it has exactly the fields of training/saved_replay.py."""
    return (isinstance(x, dict) and x.keys() == {"entries", "steps", "begins", "crc32"} and type(x["begins"]) is bool
            and all(_is_count(x[name]) for name in ("entries", "steps", "crc32")))


def _are_actions(x: object) -> bool:
    """True for an array of actions, a list of them (version 0.1), or None: too many were made."""
    if isinstance(x, list):
        return all(map(_is_action, x))
    return x is None or isinstance(x, dict) and _is_array(x)


def _is_array(x: Fields) -> bool:
    try:
        decode(x)
    except Exception:                                                    # whatever a stranger's file leads to
        return False
    return True


def _is_action(x: object) -> bool:
    return _is_number(x) or _are_numbers(x)


def _is_generator(x: object) -> bool:
    """True if it is a state of numpy's PCG64."""
    fields = {"bit_generator", "state", "has_uint32", "uinteger"}
    if not isinstance(x, dict) or x.keys() != fields or not isinstance(x["state"], dict):
        return False
    inner = x["state"]
    return (x["bit_generator"] == "PCG64" and _is_count(x["has_uint32"], 1) and _is_count(x["uinteger"], 2**32 - 1)
            and inner.keys() == {"state", "inc"} and all(_is_count(n, 2**128 - 1) for n in inner.values()))
