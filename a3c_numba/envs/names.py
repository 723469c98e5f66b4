"""Find out what the name of an environment stands for.

    Catch, ...                          a toy of this package
    CartPole-v1                         an id of gymnasium's registry
    ALE/Pong-v5, PongNoFrameskip-v4     an id whose entry point is ale_py's: an Atari game
    module:Env-v0                       an id that the module registers when it is imported
    module:Factory                      a function or class of the module, which makes an environment

Only ``import_module_of`` imports the module that a name begins with.  ale_py is imported if no toy and no registered id
has the name: then it may be a game's, which ale_py registers.
"""

import importlib
from contextlib import suppress
from operator import attrgetter
from typing import Callable, Mapping

import gymnasium
from gymnasium.envs.registration import EnvSpec

from .toys import TOYS

EMULATOR = "ale_py"


def split(name: str) -> tuple[str, str]:
    """Return the module and the rest of a name: ("ale_py", "ALE/Pong-v5"), ("", "Catch")."""
    module, _, rest = name.rpartition(":")
    return module, rest


def is_module_name(module: str) -> bool:
    """True for a dotted name of identifiers."""
    return all(part.isidentifier() for part in module.split("."))


def import_module_of(name: str) -> None:
    """Import the module that a name begins with, if any; raise what it raises."""
    module, _ = split(name)
    if module and is_module_name(module):
        importlib.import_module(module)


def registered(name: str) -> EnvSpec | None:
    """Return gymnasium's entry for a name; None for a toy, or if its module has not registered it."""
    module, rest = split(name)
    if rest in gymnasium.registry or rest in TOYS or module not in ("", EMULATOR):
        return gymnasium.registry.get(rest)
    with suppress(ImportError):
        gymnasium.register_envs(importlib.import_module(EMULATOR))
    return gymnasium.registry.get(rest)


def factory(name: str) -> Callable[..., gymnasium.Env] | None:
    """Return the function or class that ``module:Factory`` names; None unless the module is imported and has it."""
    module, rest = split(name)
    if not module or rest in gymnasium.registry:
        return None
    try:
        found = attrgetter(rest)(importlib.import_module(module))
    except (AttributeError, ImportError):
        return None
    return found if callable(found) else None


def is_atari(env: object, env_kwargs: object = None) -> bool:
    """True for the name of an Atari game, which takes ``AtariSettings``.

    Its registered entry point decides.  With ``obs_type`` "ram" it is no game for the eye, but a vector of bytes.
    """
    spec = registered(env) if isinstance(env, str) else None
    kwargs = dict(env_kwargs) if isinstance(env_kwargs, Mapping) else {}
    return spec is not None and is_emulator(spec) and (spec.kwargs | kwargs).get("obs_type") != "ram"


def is_emulator(spec: EnvSpec) -> bool:
    """True if ale_py makes the environment, without wrappers of its own."""
    entry = spec.entry_point if isinstance(spec.entry_point, str) else getattr(spec.entry_point, "__module__", "")
    return entry.split(".")[0].split(":")[0] == EMULATOR and not spec.additional_wrappers


def lacks_version(name: str) -> bool:
    """True for "ALE/Pong" and "Pong", of which gymnasium would make the raw screen, with a warning."""
    _, rest = split(name)
    return registered(name) is None and any(id.rpartition("-v")[0] == rest and is_emulator(spec)
                                            for id, spec in gymnasium.registry.items())


def family(env: object, env_kwargs: object = None) -> str:
    """Return the part of a configuration that applies to this environment: "atari", or "gym" for all others."""
    return "atari" if is_atari(env, env_kwargs) else "gym"


def name_of(env: str | Callable) -> str:
    """Return an environment's id, or a factory's name."""
    return env if isinstance(env, str) else getattr(env, "__qualname__", repr(env))


def has_name(name: str) -> bool:
    """True unless it is the name of a factory that no other program can import, such as "<lambda>"."""
    return "<" not in name


def is_called(env: str | Callable, name: str) -> bool:
    """True if a file calls ``env`` by this ``name``; "module:Factory" is also called "Factory"."""
    given = name_of(env)
    return given == name or given.rpartition(":")[2] == name or given == name.rpartition(":")[2]
