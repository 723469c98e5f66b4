"""Hyper-parameters as fields of frozen dataclasses: the default, one line of help, and the range, in one place.

The command line, its ``--help``, ``config.json`` and the checks of user input are derived from these fields.

Every number also has a largest value, far above any useful one, so that a configuration from an untrusted source
cannot use memory or time without limit, nor become infinite in the float32 kernels.
"""

import dataclasses
import math
from numbers import Integral, Real
from typing import Any

import numpy as np

LARGEST: dict[type, float] = {int: 2**62, float: 1e9}     # defaults; int64 and float32 can represent them
LONGEST = 120                  # characters of a value in a message


def hyperparameter(default: Any, help: str, *, above: float | None = None, at_least: float | None = None,
                   below: float | None = None, at_most: float | None = None, largest: float | None = None,
                   choices: tuple[str, ...] = (), only_with: str = "") -> Any:
    """Return a dataclass field with its help (the paper's symbol and value) and the range that it accepts.

    ``largest`` limits memory and time.  ``only_with`` names the bool field without which this one has no effect.
    """
    limits = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    metadata = {"help": help, "limits": {k: v for k, v in limits.items() if v is not None}, "choices": choices,
                "largest": LARGEST.get(type(default)) if largest is None else largest, "only_with": only_with}
    return dataclasses.field(default=default, metadata=metadata)


_HOLDS = {
    "above": lambda value, limit: value > limit,
    "at least": lambda value, limit: value >= limit,
    "below": lambda value, limit: value < limit,
    "at most": lambda value, limit: value <= limit,
}


def validate(settings: Any) -> None:
    """Raise ValueError, one line with name, range and value, for the first field that is out of range.

    Convert numpy numbers and fractions to int or float, so that they can be written as JSON.
    """
    for field in dataclasses.fields(settings):
        if "limits" in field.metadata:
            value = getattr(settings, field.name)
            validate_value(field, value)
            if type(value) not in (bool, int, float, str):
                kind: Any = type(field.default)
                object.__setattr__(settings, field.name, kind(value))


def validate_value(field: Any, value: Any) -> None:
    """Raise ValueError unless ``value`` has the field's type and is in its range."""
    choices, limits, largest = (field.metadata[name] for name in ("choices", "limits", "largest"))
    if choices and not (isinstance(value, str) and value in choices):
        raise ValueError(f"{field.name} must be one of {', '.join(choices)}; got {short_repr(value)}")
    kind: Any = type(field.default)
    expected: Any = {float: Real, int: Integral}.get(kind, kind)
    if not isinstance(value, expected) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{field.name} must be of type {kind.__name__}; got {short_repr(value)}")
    if not limits:
        return
    wanted = " and ".join(f"{k} {limit:g}" for k, limit in limits.items())
    if not _within(limits, value):
        raise ValueError(f"{field.name} must be {wanted}; got {short_repr(value)}")
    if value > largest:
        raise ValueError(f"{field.name} must be at most {largest:,.0f}; got {short_repr(value)}")
    if kind is float and not _within(limits, _as_kept(value)):
        raise ValueError(f"{field.name} must be {wanted}; got {short_repr(value)}, in float32 {_as_kept(value):g}")


def _within(limits: dict[str, float], value: Any) -> bool:
    return abs(value) != math.inf and all(_HOLDS[k](value, limit) for k, limit in limits.items())


def _as_kept(value: Any) -> float:
    """Round a number to float32, as the kernels do: 1e-300 becomes 0, 0.999999999 becomes 1."""
    with np.errstate(under="ignore"):
        return float(np.float32(float(value)))


def short_repr(value: Any) -> str:
    """Return a short ``repr``, on one line, for a message."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):                                 # an integer of thousands of digits
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= LONGEST else text[:LONGEST - 4] + " ..."


def one_line(text: Any) -> str:
    """Return a text for a message: its lines joined, and control characters escaped, so that a terminal obeys none."""
    joined = " ".join(line.strip() for line in str(text).splitlines())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in joined)
