"""What is known of an environment that ``adapt`` (spaces.py) has adapted: its spaces, and what was done to them."""

from typing import Any, Iterator, Mapping, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Dict, Tuple, flatten

from ..system.terminal import log_once
from ..system.text import one_line, short_repr
from .spaces import ByteScaling, Flattened, Float32Vector, check_observation


class Spaces(NamedTuple):
    """The spaces of an environment as the networks see it."""

    observation_space: gymnasium.Space
    action_space: gymnasium.Space
    flattening: str | None     # a line on how the observations were flattened, if they were
    scaling: ByteScaling | None     # of bytes in vectors
    parts: gymnasium.Space | None   # the environment's own Dict or Tuple, if it was flattened

    def as_adapted(self, obs: Any) -> npt.ArrayLike:
        """Return observations as the networks see them, from what the environment itself gives or what ``adapt`` makes.

        One observation of a Dict or Tuple is flattened; whole numbers for bytes in a vector are scaled.  Raises
        ValueError, one line, for an observation that is not of its space, and for several of a Dict.
        """
        if isinstance(obs, Mapping) or isinstance(obs, tuple) and isinstance(self.parts, Tuple):
            vector = self._flattened(obs)
            return self.scaling.scaled(vector) if self.scaling else vector
        if isinstance(obs, list) and obs and isinstance(obs[0], Mapping):
            raise ValueError("observations of a Dict are taken one at a time, or flattened, as make_env() does")
        given = np.asarray(obs)
        return self.scaling.scaled(given) if self.scaling and given.dtype.kind in "iu" else obs

    def _flattened(self, obs: Mapping | tuple) -> np.ndarray:
        if self.parts is None:
            raise ValueError(f"observations must be arrays; got {short_repr(obs)}")
        check_observation(self.parts, obs)
        return np.asarray(flatten(self.parts, obs))


def spaces_of(env: gymnasium.Env) -> Spaces:
    """Return what is known of an adapted environment; log a line, once, if its wrappers measure running statistics."""
    if line := running_statistics(env):
        log_once(line)
    return Spaces(env.observation_space, env.action_space, flattening(env), byte_scaling(env), _parts(env))


def wrappers(env: gymnasium.Env) -> Iterator[gymnasium.Wrapper]:
    """Yield the wrappers of an environment, the outermost first."""
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def byte_scaling(env: gymnasium.Env) -> ByteScaling | None:
    """Return how ``adapt`` scales the observations' bytes, or None if it does not."""
    return next((wrapper.scaling for wrapper in wrappers(env) if isinstance(wrapper, Float32Vector)), None)


def flattening(env: gymnasium.Env) -> str | None:
    """Return a line on how ``adapt`` has flattened the observations, or None if it has not."""
    for wrapper in wrappers(env):
        if isinstance(wrapper, Flattened):
            parts, flat = one_line(wrapper.env.observation_space)[:200], wrapper.observation_space.shape or ()
            scaled = ", and bytes are scaled to 0 .. 1" if byte_scaling(env) else ""
            return (f"observation space {parts} is flattened to {sum(flat)} numbers "
                    f"(gymnasium.wrappers.FlattenObservation){scaled}")
    return None


def _parts(env: gymnasium.Env) -> gymnasium.Space | None:
    spaces = (wrapper.env.observation_space for wrapper in wrappers(env) if isinstance(wrapper, Flattened))
    return next((space for space in spaces if isinstance(space, (Dict, Tuple))), None)


def running_statistics(env: gymnasium.Env) -> str | None:
    """Return a line on wrappers that measure the environment as it is played, or None if there are none."""
    found = [type(wrapper).__name__ for wrapper in wrappers(env) if {"obs_rms", "return_rms"} & vars(wrapper).keys()]
    if not found:
        return None
    return (f"running statistics of {' and '.join(found)} are kept in no file: each worker has its own, and --resume, "
            "evaluate and play begin with new ones")
