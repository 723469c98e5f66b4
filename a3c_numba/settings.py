"""Hyper-parameters as fields of frozen dataclasses: the default, one line of help, and the range, in one place.

The command line, its ``--help``, ``config.json`` and the checks of what a person typed all come from these fields.
"""

import dataclasses
import math
from numbers import Integral, Real
from typing import Any

import numpy as np


def setting(default: Any, help: str, *, above: float | None = None, at_least: float | None = None,
            below: float | None = None, at_most: float | None = None, choices: tuple[str, ...] = (),
            only_with: str = "") -> Any:
    """A dataclass field with its help (naming the paper's symbol and value) and the range that it accepts.

    ``only_with`` names the bool field without which this one means nothing.
    """
    limits = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    metadata = {"help": help, "limits": {k: v for k, v in limits.items() if v is not None}, "choices": choices,
                "only_with": only_with}
    return dataclasses.field(default=default, metadata=metadata)


_HOLDS = {
    "above": lambda value, limit: value > limit,
    "at least": lambda value, limit: value >= limit,
    "below": lambda value, limit: value < limit,
    "at most": lambda value, limit: value <= limit,
}


def check(settings: Any) -> None:
    """Raise ValueError, in one line with name, range and value, at the first field out of its range.

    A number of numpy's becomes Python's, so that JSON can hold it.
    """
    for field in dataclasses.fields(settings):
        if "limits" in field.metadata:
            value = getattr(settings, field.name)
            check_value(field, value)
            if isinstance(value, np.generic):
                object.__setattr__(settings, field.name, value.item())


def check_value(field: Any, value: Any) -> None:
    """Raise ValueError unless ``value`` has the field's type and lies within its range."""
    choices, limits = field.metadata["choices"], field.metadata["limits"]
    if choices and value not in choices:
        raise ValueError(f"{field.name} must be one of {', '.join(choices)}; got {value!r}")
    if isinstance(field.default, bool) or isinstance(field.default, (str, tuple)):
        expected: Any = type(field.default)
    else:
        expected = Real if isinstance(field.default, float) else Integral
    if not isinstance(value, expected) or isinstance(value, bool) != isinstance(field.default, bool):
        raise ValueError(f"{field.name} must be of type {type(field.default).__name__}; got {value!r}")
    if not limits:
        return
    if not math.isfinite(value) or not all(_HOLDS[k](value, limit) for k, limit in limits.items()):
        wanted = " and ".join(f"{k} {limit:g}" for k, limit in limits.items())
        raise ValueError(f"{field.name} must be {wanted}; got {value!r}")
