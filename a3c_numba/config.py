"""Configure a run: one frozen dataclass with everything that determines it, stored as JSON."""

import dataclasses
import json
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Mapping

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from .core.algorithms import DQN, METHODS, Algorithm
from .core.layers.base import Network
from .core.networks import NETWORKS, NetworkSettings
from .core.optimizers import OPTIMIZERS, Optimizer
from .core.parameters import size_of
from .envs import make as envs
from .envs.action_repeat import GymSettings
from .envs.adapted_spaces import Spaces, spaces_of
from .envs.atari import AtariSettings
from .envs.episode import EpisodeEnv
from .envs.env_kwargs import checked_env_kwargs
from .envs.make import EnvSource, no_source
from .envs.names import is_called, name_of
from .envs.untrusted import foreign_code
from .own_parts import check_part, check_pickles, class_name, described, part_from
from .system.advised_error import AdvisedError
from .system.text import short_repr
from .validation import as_scalar, whole_number

# Part of a configuration -> the menu that its objects come from.
MENUS: dict[str, Mapping[str, type]] = {"algorithm": METHODS, "optimizer": OPTIMIZERS, "network": NETWORKS,
                                        "atari": {"atari": AtariSettings}, "gym": {"gym": GymSettings}}

# The whole numbers of a run: the least and the largest.  T counts on beyond total_steps, in an int64.
NUMBERS: dict[str, tuple[int, int]] = {"workers": (1, 1024), "total_steps": (1, 2**62), "seed": (0, 2**63 - 1)}
MAY_CHANGE = "total_steps", "anneal_steps", "save_replay"             # when a run is resumed
MOST_PARAMETERS, LONGEST_ROLLOUT = 2**28, 2**31       # numbers, and bytes of observations: of one worker, 1 and 2 GiB


class EnvironmentNeeded(AdvisedError, ValueError):
    """A configuration whose environment the caller has to give."""


@dataclass(frozen=True)
class Config:
    """Configuration of a run.

    Attributes:
        env: an environment's id, or a factory.
        algorithm: the method and its hyper-parameters.
        optimizer: how gradients are applied.
        network: its layers and their sizes.
        atari: how the environment is played, if it is a game of Atari's.
        gym: how it is played, if not.
        workers: processes that learn.
        total_steps: T_max, agent steps of all workers together.
        seed: of the initial parameters and of all random streams.
        anneal_steps: over which the learning rate, and an entropy weight that falls, are annealed; None: total_steps.
        env_kwargs: keyword arguments of ``env``, as JSON; a factory takes no others.
        explored: agent steps that the agent had made before this run, with which a value method's epsilon goes on.
        save_replay: keep the replay memory in the run's folder, so that a resumed run has it.
    """

    env: EnvSource
    algorithm: Algorithm
    optimizer: Optimizer
    network: NetworkSettings
    atari: AtariSettings = AtariSettings()
    gym: GymSettings = GymSettings()
    workers: int = 2
    total_steps: int = 5_000_000
    seed: int = 0
    anneal_steps: int | None = None
    env_kwargs: Mapping[str, object] = field(default_factory=dict, hash=False)
    explored: int = 0
    save_replay: bool = False

    def __post_init__(self) -> None:
        """Validate all fields.  Raises ValueError, in one line, for a value out of its range."""
        for part, menu in MENUS.items():
            check_part(part, getattr(self, part), menu)
        if self.algorithm.uses_replay:
            self._check_replay()
        object.__setattr__(self, "save_replay", as_scalar(self.save_replay))
        if type(self.save_replay) is not bool or self.save_replay and not self.algorithm.uses_replay:
            raise ValueError(f"save_replay must be True or False, and True for DQN alone; got "
                             f"{short_repr(self.save_replay)} for {menu_name(self.algorithm)}")
        if not isinstance(self.env, str):
            _check_factory(self.env)
        object.__setattr__(self, "env_kwargs", checked_env_kwargs(self.env_kwargs))
        ranges = NUMBERS | {"explored": (0, NUMBERS["total_steps"][1])}
        ranges |= {} if self.anneal_steps is None else {"anneal_steps": NUMBERS["total_steps"]}
        for name, limits in ranges.items():
            object.__setattr__(self, name, whole_number(name, getattr(self, name), *limits))

    def _check_replay(self) -> None:
        """Raise ValueError, in one line, for what a method with a replay memory cannot do."""
        name = type(self.algorithm).__name__
        if not isinstance(self.algorithm, DQN):
            raise ValueError(f"{name} has uses_replay, which is for DQN and classes that inherit it")
        if getattr(self.network, "recurrent", False):
            raise ValueError(f"{name} learns from single steps: recurrent=True is for the other methods")
        if self.workers != 1:
            raise ValueError(f"{name} is one process: workers must be 1; got {short_repr(self.workers)}")

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the fields, without ``spaces``."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @cached_property
    def spaces(self) -> Spaces:
        """The environment's spaces; it is made once to find them."""
        env = self.make_episode_env()
        try:
            return spaces_of(env)
        finally:
            env.close()

    def share_spaces(self, other: "Config") -> "Config":
        """Return this configuration, with the spaces that ``other`` has found if its environment is the same."""
        if all(getattr(self, name) == getattr(other, name) for name in ("env", "atari", "gym", "env_kwargs")):
            vars(self).update({name: value for name, value in vars(other).items() if name == "spaces"})
        return self

    def make_env(self, render_mode: str | None = None, worker: int | None = None, **atari: Any) -> gymnasium.Env:
        """Make an environment; ``atari`` overrides fields of the Atari settings (sticky=0.25, say).

        ``worker`` is its number, for a factory that takes it; by default the first that no training worker has.
        """
        envs.import_for(self.env)                                        # which may register the id of a game
        settings = dataclasses.replace(self.atari, **atari) if self.family == "atari" else self.gym
        number = self.workers if worker is None else worker
        env = envs.make(self.env, settings, render_mode, self.env_kwargs, number)
        envs.check_spaces(env)
        return env

    def make_episode_env(self, render_mode: str | None = None, worker: int | None = None, **atari: Any) -> EpisodeEnv:
        """A new EpisodeEnv, which checks what the environment gives and names it in what it raises."""
        return EpisodeEnv(self.make_env(render_mode, worker, **atari), self.env_name)

    def build_network(self, env: Any) -> Network:
        """Build the network for this environment.  Raises ValueError if it does not take such observations."""
        shape = env.observation_space.shape
        if not self.network.takes(shape):
            raise ValueError(f"network {menu_name(self.network)} does not take observations of shape {shape}")
        distribution = self.algorithm.evaluation_policy(env.action_space)
        network = self.network.build(shape, self.algorithm.heads(distribution))
        self._check_memory(size_of(network.shapes), env.observation_space)
        return network

    def _check_memory(self, parameters: int, observations: Box) -> None:
        """Raise ValueError if a worker would allocate too much: values in range may together exceed the limit."""
        if parameters > MOST_PARAMETERS:
            raise ValueError(f"the network has {parameters:,} parameters, at most {MOST_PARAMETERS:,} are supported")
        steps = self.algorithm.rollout_length
        size = (steps + 1) * prod(observations.shape) * observations.dtype.itemsize
        if size > LONGEST_ROLLOUT:
            raise ValueError(f"{steps:,} steps between updates take {size:,} bytes of observations, at most "
                             f"{LONGEST_ROLLOUT:,} are supported")

    def worker_rng(self, number: int) -> np.random.Generator:
        """Return the generator of what a worker draws once for the whole run; a resumed run has the same."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(2**32 - 2, number)))

    @property
    def family(self) -> str:
        """Return the part that applies to the environment: "atari" or "gym"."""
        return envs.family(self.env, self.env_kwargs)

    @property
    def frame_stack(self) -> int:
        """Return how many frames an observation is a stack of, along its last axis."""
        return self.atari.frame_stack if self.family == "atari" else 1

    @property
    def horizon(self) -> int:
        """Return the agent steps over which the learning rate, and an entropy weight that falls, are annealed."""
        return self.total_steps if self.anneal_steps is None else self.anneal_steps

    @property
    def env_name(self) -> str:
        """Return the environment's id, or the factory's name."""
        return name_of(self.env)

    def foreign_code(self, name_is_given: bool = False) -> str | None:
        """Return what making the environment would import or call, if it is not known to be safe; else None.

        ``name_is_given``: the caller has named the environment, and only its arguments are from a file.
        """
        return foreign_code("" if name_is_given else self.env_name, self.env_kwargs)

    def to_json(self) -> str:
        """Return the configuration as JSON; a factory is stored by name only and must be given again on loading."""
        fields: dict[str, object] = {"env": self.env_name, "env_is_factory": not isinstance(self.env, str),
                                     "env_kwargs": self.env_kwargs}
        for part in MENUS:
            value = getattr(self, part)
            is_known = type(value) in MENUS[part].values()
            fields[part] = {"name": menu_name(value)} | dataclasses.asdict(value) if is_known else described(value)
        fields |= {name: getattr(self, name) for name in (*NUMBERS, "anneal_steps")}
        fields |= {name: value for name in ("explored", "save_replay") if (value := getattr(self, name))}
        return json.dumps(fields, indent=2)

    @staticmethod
    def from_json(text: str, env: EnvSource | None = None, env_kwargs: Mapping[str, object] | None = None,
                  **given: Any) -> "Config":
        """Return a configuration from ``text`` by ``to_json``.  Raises ValueError, in one line, for other text.

        ``env`` and ``env_kwargs`` replace its own; another environment does not get the keyword arguments of its own.
        ``given`` parts, such as ``algorithm``, replace its own, and have to be given if they are in no menu.
        """
        try:
            fields = json.loads(text)
            is_factory = fields.pop("env_is_factory")
            fields.setdefault("gym", {"name": "gym"})                    # older files lack it
            parts = {part: part_from(part, fields[part], given.get(part), menu) for part, menu in MENUS.items()}
            config = Config(**(fields | parts))
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"not a configuration of this version: {short_repr(error)}") from None
        if env is None and is_factory:
            name = short_repr(config.env_name)
            raise EnvironmentNeeded(f"the environment was made by the factory {name}", "give env= on loading")
        stored = config.env_name
        if env is not None:
            config = dataclasses.replace(config, env=env)
        if env_kwargs is None:
            env_kwargs = config.env_kwargs if is_called(config.env, stored) else {}
        return dataclasses.replace(config, env_kwargs=env_kwargs)


def fresh_seed() -> int:
    """Return a seed that the operating system draws, for a caller's None; 53 bits, which every reader of JSON keeps."""
    return secrets.randbits(53)


def _check_factory(factory: object) -> None:
    """Raise ValueError unless the factory can be sent to worker processes."""
    if not callable(factory):
        raise ValueError(no_source(factory))
    check_pickles(f"the factory {short_repr(factory)}", factory)


def menu_name(part: object) -> str:
    """Return the name of a part's class in its menu, or of the class itself if it is in none."""
    names = (name for menu in MENUS.values() for name, cls in menu.items() if type(part) is cls)
    return next(names, class_name(part))
