"""Command-line options derived from the fields of the hyper-parameter dataclasses.

A field ``entropy_weight`` of any part becomes ``--entropy-weight``.  An option that is not given keeps the preset's
value.  An option that no part of the run has is refused, with the names of the parts that have it.
"""

import argparse
from typing import Callable, TypeVar

from ..config import MENUS, Config
from ..hyperparameters_by_name import Owner, Values, override, owners
from ..presets import PRESETS
from ..system.text import short_repr

T = TypeVar("T")


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


def _values(name: str, owned: list[Owner]) -> str:
    """Return a field's defaults and the presets that differ: "default 5; atari: 20; classic n_step_q: 20"."""
    defaults = {cls: field.default for _, cls, field in owned}
    fields = {MENUS[part][cls]: field for part, cls, field in owned}
    same = len(set(defaults.values())) == 1
    texts = [f"default {owned[0][2].default}"] if same else [f"default of {c}: {x}" for c, x in defaults.items()]
    for preset_name, preset in PRESETS.items():
        parts = {**preset.algorithms, "optimizer": preset.optimizer, "network": preset.network}
        found = {key: getattr(value, name) for key, value in parts.items()
                 if type(value) in fields and getattr(value, name) != fields[type(value)].default}
        if len(found) == len(defaults) and len(set(found.values())) == 1 or set(found) <= {"optimizer", "network"}:
            texts += [f"{preset_name}: {value}" for value in list(found.values())[:1]]
        else:
            texts += [f"{preset_name} {key}: {value}" for key, value in found.items()]
        if type(preset.replay_optimizer) in fields:
            texts.append(f"{preset_name} dqn: {getattr(preset.replay_optimizer, name)}")
    return "; ".join(texts)


def option(name: str) -> str:
    """Return the option of a field: "--entropy-weight"."""
    return "--" + name.replace("_", "-")


def add_hyper_parameters(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of each part."""
    readers: dict[type, Callable[[str], object]] = {int: whole_number, float: real_number, str: str}
    groups = {part: parser.add_argument_group(f"{part} ({', '.join(menu)})") for part, menu in MENUS.items()}
    for name, owned in owners().items():
        part, _, field = owned[0]
        text = "; ".join(filter(None, (field.metadata["help"], " | ".join(field.metadata["choices"]))))
        text = f"{text} ({_values(name, owned)})"
        group, default = groups[part], type(field.default)
        if default is bool:
            group.add_argument(option(name), dest=name, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            group.add_argument(option(name), dest=name, type=readers[default], default=None, help=text,
                               metavar=default.__name__.upper())


def given(arguments: argparse.Namespace) -> Values:
    """Return the hyper-parameters that were typed."""
    return {name: getattr(arguments, name) for name in owners() if getattr(arguments, name, None) is not None}


def apply(config: Config, options: Values) -> Config:
    """Return ``config`` with these fields replaced; raise ValueError for a field that none has, or without effect."""
    return override(config, options, option)
