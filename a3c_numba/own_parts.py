"""Parts of a configuration that are the caller's own: objects with the methods of the package's, in no menu.

A file holds an own part's name and simple fields, for people to read.  To load the file the caller gives the object
again: nothing is imported because a file says so.
"""

import dataclasses
from typing import Any, Mapping

import cloudpickle

from .core.algorithms import Algorithm
from .core.networks import NetworkSettings
from .core.optimizers import Optimizer
from .system.advised_error import AdvisedError
from .system.text import short_repr
from .validation import validate


class PartNeeded(AdvisedError, ValueError):
    """A file whose part the caller has to give."""


# Part -> what an own object has to have: the public names of this Protocol.
PROTOCOLS: dict[str, type] = {"algorithm": Algorithm, "optimizer": Optimizer, "network": NetworkSettings}


def check_part(part: str, value: object, menu: Mapping[str, type]) -> None:
    """Validate ``value``; raise ValueError, in one line, unless it is of the menu or has the Protocol's methods."""
    if type(value) not in menu.values():
        protocol = PROTOCOLS.get(part)
        missing = [name for name in _public(protocol) if not hasattr(value, name)] if protocol else []
        if protocol is None or isinstance(value, type) or len(missing) == len(_public(protocol)):
            known = " or ".join(f"{cls.__name__}()" for cls in menu.values())
            raise ValueError(f"{part} must be {known}{', or an object with the same methods' if protocol else ''}; "
                             f"got {short_repr(value)}")
        if missing:
            raise ValueError(f"{part} {short_repr(class_name(value))} lacks {', '.join(missing)}, which "
                             f"{protocol.__name__} in {protocol.__module__} describes")
        check_pickles(f"the {part} {short_repr(class_name(value))}", value)
    if dataclasses.is_dataclass(value):
        validate(value)


def _public(protocol: type) -> list[str]:
    names = {**vars(protocol), **protocol.__annotations__}
    return [name for name in names if not name.startswith("_")]


def check_pickles(what: str, value: object) -> None:
    """Raise ValueError, in one line, unless ``value`` can be sent to worker processes."""
    try:
        cloudpickle.dumps(value)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{what} cannot be pickled for the workers: {reason}") from None


def class_name(part: object) -> str:
    """Return the name of an own part's class."""
    return type(part).__qualname__


def described(part: object) -> dict[str, object]:
    """Return what a file holds of an own part."""
    fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)} \
        if dataclasses.is_dataclass(part) else {}
    simple = {name: value for name, value in fields.items() if type(value) in (bool, int, float, str)}
    return simple | {"name": class_name(part), "is_own": True}


def part_from(part: str, stored: dict[str, Any], given: object, menu: Mapping[str, type]) -> Any:
    """Return the object ``given``, or the one that a file has ``stored``; raise ValueError if it has to be given."""
    if given is not None:
        return given
    if stored.get("is_own") is True:
        raise PartNeeded(f"the {part} {short_repr(stored['name'])} is not of this package", f"give {part}= on loading",
                         f"the command line cannot be given it; in Python, Agent.load and Agent.resume take {part}=")
    return menu[stored["name"]](**{name: value for name, value in stored.items() if name != "name"})
