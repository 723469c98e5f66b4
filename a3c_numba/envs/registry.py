"""Environments on their way to worker processes: factories, and ids that only this process has registered.

A worker imports gymnasium anew, and not the program.  So the ids that the program has registered are sent along.  What
makes such an environment is unpickled when it is made: a worker imports nothing for the others.
"""

import dataclasses
import importlib
import pickle
from contextlib import suppress
from typing import Any, Protocol

import cloudpickle
import gymnasium
from gymnasium.envs.registration import EnvSpec, load_env_creator

from ..system.text import one_line

EMULATOR = "ale_py"
KNOWN = ("gymnasium.", EMULATOR)                                         # a worker registers their ids by itself
MAIN = "__main__:"


class HasEnv(Protocol):
    """A configuration, of which only the environment is read here."""

    @property
    def env(self) -> object: ...


class SentCreator:
    """Makes an environment by what the pickle holds: a class, a function, or a name to import."""

    def __init__(self, creator: object) -> None:
        self.pickle = cloudpickle.dumps(creator)

    def __call__(self, **options: object) -> gymnasium.Env:
        """Return a new environment.  What is imported for it may register the ids that were sent."""
        sent = {name: spec for name, spec in gymnasium.registry.items() if isinstance(spec.entry_point, SentCreator)}
        for name in sent:
            del gymnasium.registry[name]
        try:
            creator = pickle.loads(self.pickle)
            if isinstance(creator, str):
                creator = load_env_creator(creator)
        finally:
            gymnasium.registry.update(sent)
        made: gymnasium.Env = creator(**options)
        return made


def pack(config: HasEnv) -> bytes:
    """Return a pickle of a configuration, and of the ids that its ``env`` may need.

    Raises ValueError, in one line, if its environment cannot be pickled.
    """
    specs, own = {}, str(config.env).rpartition(":")[2] if isinstance(config.env, str) else None
    for name, spec in gymnasium.registry.items():
        if not _is_known(spec) or name == own:                           # known ids may have been registered otherwise
            try:
                specs[name] = cloudpickle.dumps(_to_be_sent(spec))
            except Exception as error:
                if name == config.env:
                    raise ValueError(f"the environment {name} cannot be sent to the workers: {one_line(error)}"
                                     ) from None
    return bytes(cloudpickle.dumps((specs, cloudpickle.dumps(config))))


def unpack(packed: bytes) -> Any:
    """Return the configuration of a pickle by ``pack``, and register its ids.  Raises what unpickling that raises."""
    specs, pickled = pickle.loads(packed)
    config = pickle.loads(pickled)
    module, colon, _ = str(config.env).rpartition(":") if isinstance(config.env, str) else ("", "", "")
    if colon:
        with suppress(Exception):                                        # making the environment raises it again
            importlib.import_module(module)                              # registers its ids, which are sent as well
    for name, spec in specs.items():
        if name not in gymnasium.registry or _is_known(gymnasium.registry[name]):
            with suppress(Exception):                                    # of arguments; perhaps another environment's
                sent = pickle.loads(spec)
                if str(sent.entry_point).startswith(EMULATOR):
                    importlib.import_module(EMULATOR)                    # registers its own ids, before this one
                gymnasium.registry[name] = sent
    return config


def _is_known(spec: EnvSpec) -> bool:
    made_by = spec.entry_point
    module = made_by if isinstance(made_by, str) else getattr(made_by, "__module__", None)
    return str(module).startswith(KNOWN)


def _to_be_sent(spec: EnvSpec) -> EnvSpec:
    """Return the spec with an entry point that a worker can use without the program."""
    made_by: object = spec.entry_point
    if _is_known(spec):
        return spec
    if isinstance(made_by, str) and made_by.startswith(MAIN):
        made_by = load_env_creator(made_by)
    return dataclasses.replace(spec, entry_point=SentCreator(made_by), vector_entry_point=None)
