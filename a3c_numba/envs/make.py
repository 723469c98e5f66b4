"""Environments: Atari games as the paper plays them, toys, and whatever gymnasium makes that has supported spaces.

The menu of toys is ``TOYS``; ids that begin with "ALE/" or end in "NoFrameskip-v4" are Atari games; every other id
is gymnasium's.  The emulator is imported when a game, or the list of near matches, is asked for.
"""

import difflib
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from ..core.hyperparameters import one_line
from .action_repeat import ActionRepeat, GymSettings
from .toys import Aim, Catch, Corridor, Memory

if TYPE_CHECKING:
    from .atari import AtariSettings

TOYS: dict[str, Callable[[], gymnasium.Env]] = {
    "Aim": Aim, "AimContinuous": partial(Aim, continuous=True), "Catch": Catch, "Corridor": Corridor, "Memory": Memory,
}

SUPPORTED = ("supported are Discrete actions from 0 or Box actions (d,) of floats, and Box observations, vectors (n,) "
             "or uint8 images (H, W, C)")


class UnknownEnvironment(ValueError):
    """No environment has this id; the message, one line, names the nearest ones."""


class MissingPackage(ImportError):
    """An environment needs an optional package; the message, one line, says which."""


class UnsupportedSpace(ValueError):
    """An action or observation space that the networks cannot serve; the message, one line, names those they can."""


class EnvironmentFailed(RuntimeError):
    """An environment's own code has raised; the message, one line, says which environment, and what."""

    @classmethod
    def by(cls, name: str, error: BaseException) -> "EnvironmentFailed":
        """Of what the environment of this name has raised."""
        return cls(f"the environment {name} raised {type(error).__name__}: {one_line(error)}")


class Float32Vector(gymnasium.ObservationWrapper):
    """A vector observation of another type, given out as float32, the type of the networks."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        space = env.observation_space
        assert isinstance(space, Box)
        self.observation_space = Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)

    def observation(self, observation: Any) -> Any:
        """(n,) of any number type -> (n,) float32; whatever is no array of numbers stays as it is, to be seen."""
        if isinstance(observation, np.ndarray) and np.can_cast(observation.dtype, np.float32, "same_kind"):
            return observation.astype(np.float32, copy=False)
        return observation


def make(
    env: str | Callable[[], gymnasium.Env],
    settings: "AtariSettings | GymSettings | None" = None,
    render_mode: str | None = None,
) -> gymnasium.Env:
    """An environment from its id, or from a picklable factory without arguments; vectors come as float32 (n,).

    ``settings`` are AtariSettings for a game (the paper's where None) and GymSettings for all else; toys and factories
    have no ``render_mode``.  Raises UnknownEnvironment, MissingPackage or UnsupportedSpace.
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
    """Raises UnsupportedSpace, one line, unless the networks can serve the environment's two spaces."""
    actions, observations = env.action_space, env.observation_space
    is_discrete = isinstance(actions, Discrete) and actions.start == 0
    is_continuous = isinstance(actions, Box) and len(actions.shape) == 1 and actions.dtype.kind == "f"
    if not is_discrete and not is_continuous:
        raise UnsupportedSpace(f"action space {one_line(actions)}: {SUPPORTED}")
    is_vector = isinstance(observations, Box) and len(observations.shape) == 1
    is_image = isinstance(observations, Box) and len(observations.shape) == 3 and observations.dtype == np.uint8
    if not is_vector and not is_image:
        raise UnsupportedSpace(f"observation space {one_line(observations)}: {SUPPORTED}")


def failing(error: BaseException | None) -> str | None:
    """The name of the environment that raised this as it was made or played; None where none did, or one of ours.

    Of what comes from another process, whose frames are gone, that process says it in the error's ``environment``.
    """
    if told := getattr(error, "environment", None):
        return told
    for frame, _ in traceback.walk_tb(error.__traceback__ if error else None):
        if frame.f_code is gymnasium.make.__code__:
            return str(frame.f_locals["id"])
        env = frame.f_locals.get("self")
        if isinstance(env, gymnasium.Env) and type(env).__module__.split(".")[0] != __name__.split(".")[0]:
            return env.spec.id if env.spec else type(env).__name__
    return None


def is_atari(env: Any) -> bool:
    """Whether the id is of an Atari game, to which ``AtariSettings`` speak."""
    return isinstance(env, str) and (env.startswith("ALE/") or env.endswith("NoFrameskip-v4"))


def family(env: Any) -> str:
    """The part of a configuration that speaks to this environment: "atari", or "gym" for all else."""
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
        rendering: Any = {"render_mode": render_mode} if render_mode else {}
        return gymnasium.make(name, **rendering)
    except gymnasium.error.UnregisteredEnv:
        raise UnknownEnvironment(f"no environment is called {name!r}{_near(name)}") from None
    except (gymnasium.error.DependencyNotInstalled, ModuleNotFoundError) as error:
        raise MissingPackage(f"{name} needs a package that is not installed: {one_line(error)}") from error
    except gymnasium.error.Error as error:  # a malformed id, a version that is no longer made
        raise UnknownEnvironment(f"{name!r} cannot be made: {one_line(error).rstrip('.')}{_near(name)}") from error


def _near(name: str) -> str:
    """The end of a message: the ids most like ``name``, by their bare names, or nothing."""
    try:
        import ale_py

        gymnasium.register_envs(ale_py)
    except ImportError:
        pass  # then no game is near
    ids = [id for id in gymnasium.registry if "/" not in id or id.startswith("ALE/")]
    names = {_bare(id): id for id in ids if not _is_old_atari(id)} | {_bare(toy): toy for toy in TOYS}
    matches = [names[match] for match in difflib.get_close_matches(_bare(name), names, cutoff=0.7)]
    return f"; did you mean {' or '.join(matches)}?" if matches else ""


def _is_old_atari(id: str) -> bool:
    return "ale_py" in str(gymnasium.registry[id].entry_point) and not id.startswith("ALE/")


def _bare(id: str) -> str:
    """"ALE/SpaceInvaders-v5" -> "spaceinvaders"."""
    return id.split("/")[-1].split("-v")[0].lower()
