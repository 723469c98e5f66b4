"""Everything that determines a run, as one frozen dataclass that JSON can hold."""

import dataclasses
import json
import pickle
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Callable

import numpy as np

from . import envs
from .algorithms import ALGORITHMS
from .envs.action_repeat import GymSettings
from .envs.atari import AtariSettings
from .networks import NETWORKS
from .optimizers import OPTIMIZERS
from .settings import check

# Part of a configuration -> the menu that its objects come from.
MENUS: dict[str, dict[str, Any]] = {"algorithm": ALGORITHMS, "optimizer": OPTIMIZERS, "network": NETWORKS,
                                    "atari": {"atari": AtariSettings}, "gym": {"gym": GymSettings}}


@dataclass(frozen=True)
class Config:
    """A run.  ``env`` is an id or a picklable factory without arguments; the other parts are dataclasses."""

    env: str | Callable[[], Any]
    algorithm: Any
    optimizer: Any
    network: Any
    atari: AtariSettings = AtariSettings()      # how it is played, if it is a game of Atari's
    gym: GymSettings = GymSettings()            # how it is played, if not
    workers: int = 2
    total_steps: int = 5_000_000        # agent steps of all workers together
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError, in one line, for whatever is out of its range."""
        for part, menu in MENUS.items():
            value = getattr(self, part)
            if type(value) not in menu.values():
                known = " or ".join(f"{cls.__name__}()" for cls in menu.values())
                raise ValueError(f"{part} must be {known}; got {value!r}")
            check(value)
        if not isinstance(self.env, str):
            _check_factory(self.env)
        for name, least, value in (("workers", 1, self.workers), ("total_steps", 1, self.total_steps),
                                   ("seed", 0, self.seed)):
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number, at least {least}; got {value!r}")
            object.__setattr__(self, name, int(value))

    def make_env(self, render_mode: str | None = None, **atari: Any) -> Any:
        """A new environment; ``atari`` overrides fields of the Atari settings (sticky=0.25, say)."""
        settings = dataclasses.replace(self.atari, **atari) if envs.is_atari(self.env) else self.gym
        env = envs.make(self.env, settings, render_mode)
        envs.check_spaces(env)
        return env

    def build_network(self, env: Any) -> Any:
        """The network for this environment; raises ValueError where it does not take such observations."""
        shape = env.observation_space.shape
        if not self.network.takes(shape):
            raise ValueError(f"network {name_of(self.network)} does not take observations of shape {shape}")
        policy = self.algorithm.evaluation_policy(env.action_space)
        return self.network.build(shape, self.algorithm.heads(policy))

    def chance_of_worker(self, number: int) -> np.random.Generator:
        """What a worker draws once for the whole run: the same also after an interruption."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(2**32 - 2, number)))

    @property
    def env_name(self) -> str:
        """The id, or the factory's name."""
        return self.env if isinstance(self.env, str) else getattr(self.env, "__qualname__", repr(self.env))

    def to_json(self) -> str:
        """The configuration as text; a factory is kept by name only, and has to be given again on loading."""
        fields: dict[str, Any] = {"env": self.env_name, "env_is_factory": not isinstance(self.env, str)}
        for part in MENUS:
            value = getattr(self, part)
            fields[part] = {"name": name_of(value)} | dataclasses.asdict(value)
        fields |= {name: getattr(self, name) for name in ("workers", "total_steps", "seed")}
        return json.dumps(fields, indent=2)

    @staticmethod
    def from_json(text: str, env: Any = None) -> "Config":
        """The inverse of ``to_json``; raises ValueError, in one line, for text that is none of ours."""
        try:
            fields = json.loads(text)
            is_factory = fields.pop("env_is_factory")
            fields.setdefault("gym", {"name": "gym"})                    # files of before there was one
            parts = {part: MENUS[part][fields[part].pop("name")](**fields[part]) for part in MENUS}
            config = Config(**(fields | parts))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a configuration of this version: {error!r}") from None
        if env is None and is_factory:
            raise ValueError(f"the environment was made by the factory {config.env_name!r}: give env= on loading")
        return config if env is None else dataclasses.replace(config, env=env)


def _check_factory(factory: Any) -> None:
    """Raises ValueError unless worker processes can be handed the factory."""
    try:
        pickle.dumps(factory)
    except Exception as error:
        raise ValueError(f"the factory {factory!r} cannot be pickled for the workers: {error}") from None


def name_of(part: Any) -> str:
    """The name under which a part's class stands in its menu."""
    return next(name for menu in MENUS.values() for name, cls in menu.items() if type(part) is cls)
