"""Hyper-parameters by name, wherever they are: replace some in a configuration, and tell in what it differs.

A name is that of a field, which only one part of a run has: ``entropy_weight`` is the method's, ``hidden`` the
network's.
``Agent`` takes them as keywords, and the command line as options.
"""

import dataclasses
import difflib
import re
from typing import Any, Callable, Iterable, Mapping

from .config import MENUS, Config, menu_name
from .core.networks import MLP
from .presets import PRESETS, Preset, version_of
from .system.text import short_repr

Value = bool | int | float | str
Values = Mapping[str, Value]
Owner = tuple[str, str, dataclasses.Field]              # part, class name, field
NEAREST = 4                                             # names that a message suggests, at most


def owners() -> dict[str, list[Owner]]:
    """Map each field name to its (part, class name, field), one for each class that has it."""
    found: dict[str, list[Owner]] = {}
    for part, menu in MENUS.items():
        for name, cls in menu.items():
            for field in dataclasses.fields(cls):
                found.setdefault(field.name, []).append((part, name, field))
    return found


def override(config: Config, values: Values, spell: Callable[[str], str] = str, also: Iterable[str] = ()) -> Config:
    """Return ``config`` with these fields replaced.

    Args:
        spell: writes a name as the caller does.
        also: other names that the caller may have meant.

    Raise ValueError, in one line, for a name that is none, or that no part of this run has, and for a field without
    effect.
    """
    if not values:
        return config
    known = owners()
    used = [part for part in MENUS if part not in ("atari", "gym") or part == config.family]
    changes: dict[str, dict[str, Value]] = {part: {} for part in used}
    for name, value in values.items():
        if name not in known:
            close = " or ".join(map(spell, _near(name, also)))
            raise ValueError(f"no hyper-parameter is called {short_repr(name)}{close and f'; did you mean {close}?'}")
        parts = [part for part in used if name in _fields(getattr(config, part))]
        if not parts:
            classes = ", ".join(cls for _, cls, _ in known[name])
            raise ValueError(f"{spell(name)} is a hyper-parameter of {classes}, which this run does not use")
        for part in parts:
            changes[part][name] = value
    replaced: dict[str, Any] = {part: dataclasses.replace(getattr(config, part), **fields)
                                for part, fields in changes.items() if fields}
    for settings in replaced.values():
        for field in _fields(settings).values():
            condition = field.metadata.get("only_with")
            if field.name in values and condition and not getattr(settings, condition):
                raise ValueError(f"{spell(field.name)} needs {spell(condition)}: {field.metadata['help']}")
    return dataclasses.replace(config, **replaced).share_spaces(config)


def _fields(settings: object) -> dict[str, dataclasses.Field]:
    """Return the fields by name; none of an own object that is not a dataclass."""
    return {field.name: field for field in dataclasses.fields(settings)} if dataclasses.is_dataclass(settings) else {}


def _near(name: str, also: Iterable[str]) -> list[str]:
    """Return the names that contain this one, have its initials or its symbol, are similar, or begin alike."""
    symbols = {known: re.split(r",| \(", owned[0][2].metadata["help"])[0] for known, owned in owners().items()}
    names = [*symbols, *also]
    found = [known for known in names if len(name) > 2 and name in known
             or name in ("".join(word[0] for word in known.split("_")), symbols.get(known))]
    found += difflib.get_close_matches(name, names)
    found += [known for known in names if not found and len(name) > 2 and known.startswith(name[:3])]
    return list(dict.fromkeys(found))[:NEAREST]


def describe(config: Config, preset: str | None = None) -> str:
    """Return three lines: what a run consists of, and what differs from its preset and from the paper.

    ``preset``: its name; None, if it is not known, for the one that differs least.
    """
    found = {each: _differences(config, PRESETS[each]) for each in PRESETS}
    preset = preset or min(found, key=lambda each: len(found[each]))
    parts = ", ".join(menu_name(getattr(config, part)) for part in ("algorithm", "optimizer", "network"))
    own_network = isinstance(config.network, MLP)                        # whose defaults are not the paper's
    name, reference = ("Mnih et al. 2015", "dqn") if config.algorithm.uses_replay else ("the paper", "paper")
    paper = _differences(config, PRESETS[reference], "network" if own_network else "")
    workers = f"{config.workers} worker{'s' if config.workers > 1 else ''}"
    return (f"Agent({short_repr(config.env_name)}, seed={config.seed}): {parts}, {workers}\n"
            f"  preset {preset}{_listed(found[preset])}\n"
            f"  {name}{' (its network apart)' if own_network else ''}{_listed(paper)}")


def _differences(config: Config, preset: Preset, left_out: str = "") -> dict[str, tuple[object, object]]:
    """Map the name of each field that differs to its value and the preset's."""
    preset = preset.for_method(config.algorithm)
    pairs: dict[str, tuple[object, object]] = {"workers": (config.workers, preset.workers)}
    for part in [part for part in MENUS if part != left_out]:
        settings = getattr(config, part)
        if type(settings) not in MENUS[part].values():
            continue                                                     # an own part: its name says that it differs
        reference = version_of(preset, part, menu_name(settings))
        for field in dataclasses.fields(settings):
            pairs[field.name] = getattr(settings, field.name), getattr(reference, field.name)
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _listed(differences: dict[str, tuple[object, object]]) -> str:
    if not differences:
        return ": no difference"
    return " but for " + ", ".join(f"{name}={own!r} (not {other!r})" for name, (own, other) in differences.items())
