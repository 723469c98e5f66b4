"""Make an environment from its id or factory, and check that its spaces are supported.

The menu of toys is ``TOYS``; ids that begin with "ALE/" or end in "NoFrameskip-v4" are Atari games; every other id
is gymnasium's.  The emulator is imported only for a game, or to suggest similar ids.
"""

import difflib
from functools import partial
from typing import TYPE_CHECKING, Callable

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from ..system.text import one_line
from .action_repeat import ActionRepeat, GymSettings
from .toys import Aim, Catch, Corridor, Memory

if TYPE_CHECKING:
    from .atari import AtariSettings

EnvSource = str | Callable[[], gymnasium.Env]       # an id, or a factory without arguments
TOYS: dict[str, Callable[[], gymnasium.Env]] = {
    "Aim": Aim, "AimContinuous": partial(Aim, continuous=True), "Catch": Catch, "Corridor": Corridor, "Memory": Memory,
}

SUPPORTED = ("supported are Discrete actions from 0 or Box actions (d,) of floats, and Box observations, vectors (n,) "
             "or uint8 images (H, W, C)")


class UnknownEnvironment(ValueError):
    """No environment has this id; the message, one line, names similar ids."""


class MissingPackage(ImportError):
    """An environment needs an optional package; the message, one line, names it."""


class UnsupportedSpace(ValueError):
    """The networks do not support an action or observation space; the message, one line, names the supported ones."""


class EnvironmentFailed(RuntimeError):
    """The code of an environment has raised; the message, one line, names the environment and the error."""

    @classmethod
    def by(cls, name: str, error: BaseException) -> "EnvironmentFailed":
        """Return the error for what the environment of this name has raised."""
        return cls(f"the environment {name} raised {type(error).__name__}: {one_line(error)}")


class Float32Vector(gymnasium.ObservationWrapper):
    """A wrapper that converts a vector observation to float32, the type of the networks."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        space = env.observation_space
        assert isinstance(space, Box)
        self.observation_space = Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)

    def observation(self, observation: object) -> object:
        """Convert (n,) of any number type to float32; return anything else unchanged, for the caller to report."""
        if isinstance(observation, np.ndarray) and np.can_cast(observation.dtype, np.float32, "same_kind"):
            return observation.astype(np.float32, copy=False)
        return observation


def make(
    env: EnvSource,
    settings: "AtariSettings | GymSettings | None" = None,
    render_mode: str | None = None,
) -> gymnasium.Env:
    """Make an environment from its id or a factory without arguments; vector observations are float32 (n,).

    ``settings`` are AtariSettings for a game (None: the paper's) and GymSettings for all others; toys and factories
    have no ``render_mode``.  Raise UnknownEnvironment, MissingPackage or UnsupportedSpace.
    """
    if not isinstance(env, str) and not callable(env):
        raise UnknownEnvironment(f"an environment is an id or a factory without arguments; got {one_line(env)[:100]}")
    made = _by_id(env, settings, render_mode) if isinstance(env, str) else env()
    if not isinstance(made, gymnasium.Env):
        raise UnknownEnvironment(f"a factory must make a gymnasium environment; got {one_line(made)[:100]}")
    check_spaces(made)
    if isinstance(settings, GymSettings) and settings.action_repeat > 1:
        made = ActionRepeat(made, settings.action_repeat)
    space = made.observation_space
    as_it_is = space.dtype == np.float32 or len(space.shape or ()) == 3
    return made if as_it_is else Float32Vector(made)


def check_spaces(env: gymnasium.Env) -> None:
    """Raise UnsupportedSpace, one line, unless the networks support the environment's two spaces."""
    actions, observations = env.action_space, env.observation_space
    is_discrete = isinstance(actions, Discrete) and actions.start == 0
    is_continuous = isinstance(actions, Box) and len(actions.shape) == 1 and actions.dtype.kind == "f"
    if not is_discrete and not is_continuous:
        raise UnsupportedSpace(f"action space {one_line(actions)}: {SUPPORTED}")
    is_vector = isinstance(observations, Box) and len(observations.shape) == 1
    is_image = isinstance(observations, Box) and len(observations.shape) == 3 and observations.dtype == np.uint8
    if not is_vector and not is_image:
        raise UnsupportedSpace(f"observation space {one_line(observations)}: {SUPPORTED}")


def is_atari(env: object) -> bool:
    """True if the id is that of an Atari game, which takes ``AtariSettings``."""
    return isinstance(env, str) and (env.startswith("ALE/") or env.endswith("NoFrameskip-v4"))


def family(env: object) -> str:
    """Return the part of a configuration that applies to this environment: "atari", or "gym" for all others."""
    return "atari" if is_atari(env) else "gym"


def _by_id(name: str, settings: "AtariSettings | GymSettings | None", render_mode: str | None) -> gymnasium.Env:
    if name in TOYS:
        return TOYS[name]()
    module, colon, _ = name.rpartition(":")
    if colon and not all(part.isidentifier() for part in module.split(".")):
        raise UnknownEnvironment(f"no environment is called {name!r}{_near(name)}")
    try:
        if is_atari(name):
            from .atari import Atari, AtariSettings

            assert not isinstance(settings, GymSettings)
            return Atari(name, settings or AtariSettings(), render_mode)
        return _made_by_gymnasium(name, {"render_mode": render_mode} if render_mode else {})
    except gymnasium.error.UnregisteredEnv:
        raise UnknownEnvironment(f"no environment is called {name!r}{_near(name)}") from None
    except (gymnasium.error.DependencyNotInstalled, ModuleNotFoundError) as error:
        raise MissingPackage(f"{name} needs a package that is not installed: {one_line(error)}") from error
    except gymnasium.error.Error as error:  # a malformed id, or a version that was removed
        raise UnknownEnvironment(f"{name!r} cannot be made: {one_line(error).rstrip('.')}{_near(name)}") from error


def _made_by_gymnasium(name: str, rendering: dict[str, str]) -> gymnasium.Env:
    """What the environment's own code raises has its name, as with ``EpisodeEnv``."""
    try:
        return gymnasium.make(name, **rendering)  # type: ignore[arg-type]
    except (gymnasium.error.Error, ModuleNotFoundError):
        raise
    except Exception as error:
        setattr(error, "environment", name)
        raise


def _near(name: str) -> str:
    """Return the end of a message: the ids most similar to ``name``, by their bare names, or nothing."""
    try:
        import ale_py

        gymnasium.register_envs(ale_py)
    except ImportError:
        pass  # then no game is suggested
    ids = [id for id in gymnasium.registry if "/" not in id or id.startswith("ALE/")]
    names = {_bare(id): id for id in ids if not _is_old_atari(id)} | {_bare(toy): toy for toy in TOYS}
    matches = [names[match] for match in difflib.get_close_matches(_bare(name), names, cutoff=0.7)]
    return f"; did you mean {' or '.join(matches)}?" if matches else ""


def _is_old_atari(id: str) -> bool:
    return "ale_py" in str(gymnasium.registry[id].entry_point) and not id.startswith("ALE/")


def _bare(id: str) -> str:
    """Return "spaceinvaders" for "ALE/SpaceInvaders-v5"."""
    return id.split("/")[-1].split("-v")[0].lower()
