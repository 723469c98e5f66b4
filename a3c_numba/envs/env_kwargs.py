"""Keyword arguments of an environment, which a run's files keep as JSON."""

import json
from typing import Any, Mapping

from ..system.text import one_line, short_repr
from ..validation import as_scalar


def checked_env_kwargs(env_kwargs: object) -> dict[str, Any]:
    """Return keyword arguments as they will be read from JSON.  Raise ValueError, in one line, for others."""
    if not isinstance(env_kwargs, Mapping) or not all(isinstance(name, str) for name in env_kwargs):
        raise ValueError(f"env_kwargs must be an object of keyword arguments; got {short_repr(env_kwargs)}")
    if "render_mode" in env_kwargs:
        raise ValueError("env_kwargs cannot set render_mode: the commands that draw the environment set it")
    try:
        kwargs: dict[str, Any] = json.loads(json.dumps(dict(env_kwargs), allow_nan=False, default=_scalar))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"env_kwargs must be finite numbers, texts, true, false, null, and lists and objects of them; "
                         f"got {short_repr(env_kwargs)} ({one_line(error)}): give others by a factory") from None
    return kwargs


def _scalar(value: object) -> object:
    """Return what a NumPy scalar holds, for JSON; raise TypeError for anything else."""
    held = as_scalar(value)
    if held is value:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return held
