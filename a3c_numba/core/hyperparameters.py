"""Hyper-parameters as fields of frozen dataclasses: the default, one line of help, and the range, in one place.

The command line, its ``--help``, ``config.json`` and the checks of user input (validation.py) are derived from these.

Every number also has a largest value, far above any useful one, so that a configuration from an untrusted source
cannot use memory or time without limit, nor become infinite in the float32 kernels.
"""

import dataclasses
from typing import Any, TypeVar, cast

LARGEST: dict[type, float] = {int: 2**62, float: 1e9}     # defaults; int64 and float32 can represent them
Value = TypeVar("Value", bool, int, float, str)
Class = TypeVar("Class")


def hyperparameter(default: Value, help: str, *, above: float | None = None, at_least: float | None = None,
                   below: float | None = None, at_most: float | None = None, largest: float | None = None,
                   choices: tuple[str, ...] = (), only_with: str = "") -> Value:
    """Return a dataclass field with its help (the paper's symbol and value) and the range that it accepts.

    ``largest`` limits memory and time.  ``only_with`` names the bool field without which this one has no effect.
    """
    limits = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    metadata = {"help": help, "limits": {k: v for k, v in limits.items() if v is not None}, "choices": choices,
                "largest": LARGEST.get(type(default)) if largest is None else largest, "only_with": only_with}
    return dataclasses.field(default=default, metadata=metadata)


def documented(cls: type[Class]) -> type[Class]:
    """Add a line for each field of a dataclass to its docstring: name, default and help."""
    lines = [f"    {field.name} (default {field.default!r}): {field.metadata['help']}"
             for field in dataclasses.fields(cast(Any, cls))]
    cls.__doc__ = "\n".join([cls.__doc__ or cls.__name__, "", "Attributes:", *lines])
    return cls
