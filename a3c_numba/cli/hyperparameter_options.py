"""Command-line options derived from the fields of the hyper-parameter dataclasses.

A field ``entropy_weight`` of any part becomes ``--entropy-weight``.  An option that is not given keeps the preset's
value.  An option that no part of the run has is refused, with the names of the parts that have it.
"""

import argparse
import dataclasses
from typing import Callable, TypeVar

from ..config import MENUS, Config
from ..presets import PRESETS
from ..system.text import short_repr

T = TypeVar("T")
Options = dict[str, int | float | str]                  # field name -> value
Owner = tuple[str, str, dataclasses.Field]              # part, class name, field


def number(text: str) -> int:
    """Read a whole number, also as 5e6 or 5_000_000; raise ValueError."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if not value.is_integer():
        raise ValueError(text)
    return int(value)


def _named(read: Callable[[str], T], kind: str) -> Callable[[str], T]:
    def reader(text: str) -> T:
        try:
            return read(text)
        except (ValueError, KeyError, OverflowError):
            raise argparse.ArgumentTypeError(f"must be a {kind}; got {short_repr(text)}") from None
    return reader


whole_number = _named(number, "whole number")
real_number = _named(float, "number")


def whole_numbers(text: str) -> list[int]:
    """Read whole numbers separated by commas."""
    return [whole_number(part) for part in text.split(",")]


def _owners() -> dict[str, list[Owner]]:
    """Map each field name to its (part, class name, field), one for each class that has it."""
    owners: dict[str, list[Owner]] = {}
    for part, menu in MENUS.items():
        for name, cls in menu.items():
            for field in dataclasses.fields(cls):
                owners.setdefault(field.name, []).append((part, name, field))
    return owners


def _values(name: str, owners: list[Owner]) -> str:
    """Return a field's defaults and the presets that differ: "default 5; atari: 20; classic n_step_q: 20"."""
    defaults = {cls: field.default for _, cls, field in owners}
    fields = {MENUS[part][cls]: field for part, cls, field in owners}
    same = len(set(defaults.values())) == 1
    texts = [f"default {owners[0][2].default}"] if same else [f"default of {c}: {x}" for c, x in defaults.items()]
    for preset_name, preset in PRESETS.items():
        parts = {**preset.algorithms, "optimizer": preset.optimizer, "network": preset.network}
        found = {key: getattr(value, name) for key, value in parts.items()
                 if type(value) in fields and getattr(value, name) != fields[type(value)].default}
        if len(found) == len(defaults) and len(set(found.values())) == 1 or set(found) <= {"optimizer", "network"}:
            texts += [f"{preset_name}: {value}" for value in list(found.values())[:1]]
        else:
            texts += [f"{preset_name} {key}: {value}" for key, value in found.items()]
    return "; ".join(texts)


def add_hyper_parameters(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of each part."""
    readers: dict[type, Callable[[str], object]] = {int: whole_number, float: real_number, str: str}
    groups = {part: parser.add_argument_group(f"{part} ({', '.join(menu)})") for part, menu in MENUS.items()}
    for name, owners in _owners().items():
        part, _, field = owners[0]
        text = "; ".join(filter(None, (field.metadata["help"], " | ".join(field.metadata["choices"]))))
        text = f"{text} ({_values(name, owners)})"
        option = "--" + name.replace("_", "-")
        if isinstance(field.default, bool):
            groups[part].add_argument(option, dest=name, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            groups[part].add_argument(option, dest=name, type=readers[type(field.default)], default=None, help=text,
                                      metavar=type(field.default).__name__.upper())


def given(arguments: argparse.Namespace) -> Options:
    """Return the hyper-parameters that were typed."""
    return {name: getattr(arguments, name) for name in _owners() if getattr(arguments, name, None) is not None}


def apply(config: Config, options: Options) -> Config:
    """Return ``config`` with these fields replaced; raise ValueError for a field that none has, or without effect."""
    used = [part for part in MENUS if part not in ("atari", "gym") or part == config.family]
    changes: dict[str, Options] = {part: {} for part in used}
    for name, value in options.items():
        parts = [part for part in used if hasattr(getattr(config, part), name)]
        if not parts:
            owners = ", ".join(cls for _, cls, _ in _owners()[name])
            raise ValueError(f"--{name.replace('_', '-')} is an option of {owners}, which this run does not use")
        for part in parts:
            changes[part][name] = value
    replaced = {part: dataclasses.replace(getattr(config, part), **fields) for part, fields in changes.items()}
    for part, settings in replaced.items():
        for field in dataclasses.fields(settings):
            condition = field.metadata.get("only_with")
            if field.name in options and condition and not getattr(settings, condition):
                raise ValueError(f"--{field.name.replace('_', '-')} needs --{condition.replace('_', '-')}: "
                                 f"{field.metadata['help']}")
    return dataclasses.replace(config, **replaced)
