"""Check the fields of settings against the ranges that ``hyperparameter`` gave them (core/hyperparameters.py)."""

import dataclasses
import math
import operator
from numbers import Integral, Real
from typing import Any

import numpy as np

from .system.text import short_repr

_HOLDS = {"above": operator.gt, "at least": operator.ge, "below": operator.lt, "at most": operator.le}


def validate(settings: Any) -> None:
    """Raise ValueError, one line with name, range and value, for the first field that is out of range.

    Convert NumPy's scalars and fractions to bool, int, float or str, so that they can be written as JSON.
    """
    for field in dataclasses.fields(settings):
        if "limits" in field.metadata:
            given = getattr(settings, field.name)
            value = validate_value(field, given)
            if value is not given:
                object.__setattr__(settings, field.name, value)


def as_scalar(value: object) -> object:
    """Return the bool, number or text that a NumPy scalar or an array without dimensions holds; else ``value``."""
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else value


def whole_number(name: str, given: object, least: int, largest: int) -> int:
    """Return the value as int.  Raises ValueError, in one line, if it is no whole number or out of its range."""
    value = as_scalar(given)
    if isinstance(value, float) and value.is_integer():                  # 2e6
        value = int(value)
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise ValueError(f"{name} must be a whole number, at least {least}; got {short_repr(given)}")
    if int(value) > largest:
        raise ValueError(f"{name} must be a whole number, at most {largest:,}; got {short_repr(given)}")
    return int(value)


def validate_value(field: dataclasses.Field, given: object) -> Any:
    """Return ``given`` as a bool, int, float or str.  Raise ValueError if it has not the field's type or range."""
    choices, limits, largest = (field.metadata[name] for name in ("choices", "limits", "largest"))
    value: Any = as_scalar(given)
    if choices and not (isinstance(value, str) and value in choices):
        raise ValueError(f"{field.name} must be one of {', '.join(choices)}; got {short_repr(given)}")
    kind: Any = type(field.default)
    if kind is int and isinstance(value, float) and value.is_integer():  # 2e6
        value = int(value)
    expected: Any = {float: Real, int: Integral}.get(kind, kind)
    if not isinstance(value, expected) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{field.name} must be of type {kind.__name__}; got {short_repr(given)}")
    if limits:
        wanted = " and ".join(f"{k} {limit:g}" for k, limit in limits.items())
        if not _within(limits, value):
            raise ValueError(f"{field.name} must be {wanted}; got {short_repr(given)}")
        if value > largest:
            raise ValueError(f"{field.name} must be at most {largest:,.0f}; got {short_repr(given)}")
        if kind is float and not _within(limits, _as_kept(value)):
            raise ValueError(f"{field.name} must be {wanted}; got {short_repr(given)}, in float32 "
                             f"{_as_kept(value):g}")
    return value if type(value) in (bool, int, float, str) else kind(value)


def _within(limits: dict[str, float], value: float) -> bool:
    return abs(value) != math.inf and all(_HOLDS[k](value, limit) for k, limit in limits.items())


def _as_kept(value: float) -> float:
    """Round a number to float32, as the kernels do: 1e-300 becomes 0, 0.999999999 becomes 1."""
    with np.errstate(under="ignore"):
        return float(np.float32(float(value)))
