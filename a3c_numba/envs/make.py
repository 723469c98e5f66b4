"""Make an environment from its id or factory, with spaces as the networks take them (spaces.py).

The menu of toys is ``TOYS``; ids with ale_py's entry point are Atari games, and ``module:Factory`` is a factory
(names.py); every other id is gymnasium's.  The emulator is imported only for a game, or to suggest similar ids.
"""

import difflib
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Mapping

import gymnasium

from ..system.advised_error import AdvisedError
from ..system.text import one_line, short_repr
from .action_repeat import ActionRepeat, GymSettings
from .names import factory, family, import_module_of, is_atari, is_emulator, is_module_name, lacks_version, split
from .spaces import Float32Vector, UnsupportedSpace, adapt, check_spaces
from .toys import TOYS

if TYPE_CHECKING:
    from .atari import AtariSettings

EnvSource = str | Callable[..., gymnasium.Env]      # an id, or a factory that takes ``env_kwargs`` alone

__all__ = ["TOYS", "EnvSource", "EnvironmentFailed", "Float32Vector", "MissingPackage", "UnknownEnvironment",
           "UnsupportedSpace", "check_spaces", "family", "is_atari", "make"]


class UnknownEnvironment(AdvisedError, ValueError):
    """No environment has this id, or it cannot be made with these arguments; one line."""


class MissingPackage(ImportError):
    """An environment needs an optional package; the message, one line, names it."""


class EnvironmentFailed(RuntimeError):
    """The code of an environment has raised; the message, one line, names the environment and the error."""

    @classmethod
    def by(cls, name: str, error: BaseException) -> "EnvironmentFailed":
        """Return the error for what the environment of this name has raised."""
        return cls(f"the environment {name} raised {type(error).__name__}: {one_line(error)}")


def make(
    env: EnvSource,
    settings: "AtariSettings | GymSettings | None" = None,
    render_mode: str | None = None,
    env_kwargs: Mapping[str, object] | None = None,
    worker: int = 0,
) -> gymnasium.Env:
    """Make an environment from its id or a factory, with ``env_kwargs`` as its keyword arguments.

    A factory with a parameter ``worker`` gets the number, unless ``env_kwargs`` has one.  ``settings`` are
    AtariSettings for a game (None: the paper's) and GymSettings for all others; toys, and factories without such a
    parameter, have no ``render_mode``.  Observations are float32 (n,) or uint8 (H, W, C).
    Raise UnknownEnvironment, MissingPackage, UnsupportedSpace, or EnvironmentFailed for a ``sys.exit``.
    """
    if not isinstance(env, str) and not callable(env):
        raise UnknownEnvironment(no_source(env))
    kwargs = dict(env_kwargs or {})
    offered = {"render_mode": render_mode, "worker": worker} if render_mode else {"worker": worker}
    made = _by_id(env, settings, offered, kwargs) if isinstance(env, str) else _call(env, offered, kwargs)
    if not isinstance(made, gymnasium.Env):
        raise UnknownEnvironment(f"a factory must make a gymnasium environment; got {one_line(made)[:100]}")
    for space in ("action_space", "observation_space"):
        if not isinstance(getattr(made, space, None), gymnasium.Space):
            raise UnsupportedSpace(f"the environment {one_line(made)[:100]} has no {space}: set it in its __init__")
    if isinstance(settings, GymSettings) and settings.action_repeat > 1:
        check_spaces(made)
        made = ActionRepeat(made, settings.action_repeat)
    return adapt(made)


def no_source(env: object) -> str:
    """Return a message, one line, for what is neither an id nor a factory."""
    advice = ", which is made already: each worker makes its own" if isinstance(env, gymnasium.Env) else ""
    return f"an environment is an id or a factory without arguments; got {short_repr(env)}{advice}"


def import_for(env: EnvSource) -> None:
    """Import the module that an id names, so that its ids are registered.  Raise MissingPackage."""
    if isinstance(env, str):
        try:
            import_module_of(env)
        except ModuleNotFoundError as error:
            advice = "; set PYTHONPATH to its folder" if error.name == split(env)[0].split(".")[0] else ""
            raise MissingPackage(f"{env} needs a package that is not installed: {one_line(error)}{advice}") from error
        except SystemExit as error:
            raise EnvironmentFailed.by(env, error) from error
        except Exception as error:
            setattr(error, "environment", env)
            raise


def _by_id(name: str, settings: "AtariSettings | GymSettings | None", offered: dict[str, Any],
           kwargs: dict[str, Any]) -> gymnasium.Env:
    module, _ = split(name)
    if ":" in name and not is_module_name(module) or lacks_version(name):
        raise UnknownEnvironment(f"no environment is called {name!r}{_near(name)}")
    import_for(name)
    if is_atari(name, kwargs):
        return _game(name, settings, offered.get("render_mode"), kwargs)
    maker = TOYS.get(name) or factory(name)
    rendering = {name: value for name, value in offered.items() if name == "render_mode"}
    try:
        if maker:
            return _call(maker, offered, kwargs, name)
        return _sign(name, kwargs, lambda: gymnasium.make(name, **rendering, **kwargs))
    except gymnasium.error.UnregisteredEnv:
        raise UnknownEnvironment(f"no environment is called {name!r}{_near(name)}") from None
    except (gymnasium.error.DependencyNotInstalled, ModuleNotFoundError) as error:
        raise MissingPackage(f"{name} needs a package that is not installed: {one_line(error)}") from error
    except gymnasium.error.Error as error:  # a malformed id, or a version that was removed
        raise UnknownEnvironment(f"{name!r} cannot be made: {one_line(error).rstrip('.')}{_near(name)}") from error


def _game(name: str, settings: "AtariSettings | GymSettings | None", render_mode: str | None,
          kwargs: dict[str, object]) -> gymnasium.Env:
    from .atari import Atari, AtariSettings

    if kwargs:
        raise UnknownEnvironment(f"{name} is an Atari game, which takes no keyword arguments; got {short_repr(kwargs)}",
                                 "give atari=AtariSettings(...)", "give --frame-skip, --sticky, ...")
    assert not isinstance(settings, GymSettings)
    return Atari(name, settings or AtariSettings(), render_mode)


def _call(maker: Callable[..., gymnasium.Env], offered: dict[str, Any], kwargs: dict[str, object],
          name: str = "") -> gymnasium.Env:
    """Call a factory, with those of the arguments ``offered`` for which it has a parameter."""
    taken = {key: value for key, value in offered.items() if key in _open_parameters(maker)}
    return _sign(name or getattr(maker, "__qualname__", repr(maker)), kwargs, lambda: maker(**(taken | kwargs)))


def _open_parameters(maker: Callable[..., object]) -> set[str]:
    """Return the names of a factory's parameters that ``functools.partial`` has not given."""
    try:
        return set(inspect.signature(maker).parameters) - set(getattr(maker, "keywords", {}))
    except (TypeError, ValueError):
        return set()


def _sign(name: str, kwargs: dict[str, object], making: Callable[[], gymnasium.Env]) -> gymnasium.Env:
    """Return what ``making`` makes.  What the environment's own code raises is as with ``EpisodeEnv``.

    With keyword arguments, which may be wrong, it is UnknownEnvironment, one line.
    """
    try:
        return making()
    except SystemExit as error:
        raise EnvironmentFailed.by(name, error) from error
    except (gymnasium.error.Error, ModuleNotFoundError):
        raise
    except Exception as error:
        if kwargs:
            raise UnknownEnvironment(f"{name} cannot be made with {short_repr(kwargs)}: {type(error).__name__}: "
                                     f"{one_line(error)[:300]}") from error
        setattr(error, "environment", name)
        raise


def _near(name: str) -> str:
    """Return the end of a message: the ids most similar to ``name``, by their bare names, or nothing."""
    module, wanted = split(name)
    if module and (found := sys.modules.get(module)) and is_module_name(module):
        own = [each for each, value in vars(found).items() if callable(value) and not each.startswith("_")]
        if matches := [f"{module}:{match}" for match in difflib.get_close_matches(wanted, own)]:
            return f"; did you mean {' or '.join(matches)}?"
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
    return is_emulator(gymnasium.registry[id]) and not id.startswith("ALE/")


def _bare(id: str) -> str:
    """Return "spaceinvaders" for "ale_py:ALE/SpaceInvaders-v5"."""
    return id.split(":")[-1].split("/")[-1].split("-v")[0].lower()
