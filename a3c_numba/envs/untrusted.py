"""Tell whether making an environment that a stranger's file names would execute code that the user has not chosen.

Safe are toys, games, what gymnasium registers, and what a module that is imported already has registered.
"""

import sys
from typing import Iterator, Mapping

import gymnasium

from .names import EMULATOR, registered, split


def foreign_code(name: str, env_kwargs: Mapping[str, object]) -> str | None:
    """Return what would be imported or called: "an environment of the module 'stranger', which ... import", or None."""
    if split(name)[0] == EMULATOR:
        registered(name)                                                 # imports it
    for text in (name, *_texts(dict(env_kwargs))):
        module, colon, _ = text.partition(":")
        if colon and module not in sys.modules:
            return f"an environment of the module {module[:80]!r}, which loading would import"
    if ":" in name and split(name)[1] not in gymnasium.registry:         # any function of any module
        return f"the factory {name[:80]!r}, which loading would call"
    return None


def may_name_module(name: str, env_kwargs: Mapping[str, object]) -> bool:
    """True if ``foreign_code`` may find some, in a process that has imported nothing yet."""
    return any(":" in text for text in (name, *_texts(dict(env_kwargs))))


def _texts(value: object) -> Iterator[str]:
    """Yield every text of a JSON value that is no key."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
