"""What is known of an environment that ``adapt`` (spaces.py) has adapted: its spaces, and what was done to them."""

from typing import Iterator, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt

from ..system.terminal import log_once
from ..system.text import one_line
from .spaces import ByteScaling, Flattened, Float32Vector


class Spaces(NamedTuple):
    """The spaces of an environment as the networks see it."""

    observation_space: gymnasium.Space
    action_space: gymnasium.Space
    flattening: str | None     # a line on how the observations were flattened, if they were
    scaling: ByteScaling | None     # of bytes in vectors

    def scaled(self, obs: npt.ArrayLike) -> npt.ArrayLike:
        """Return observations with their bytes scaled, if they are whole numbers, as the environment gives them."""
        given = np.asarray(obs)
        return self.scaling.scaled(given) if self.scaling and given.dtype.kind in "iu" else obs


def spaces_of(env: gymnasium.Env) -> Spaces:
    """Return what is known of an adapted environment; log a line, once, if its wrappers measure running statistics."""
    if line := running_statistics(env):
        log_once(line)
    return Spaces(env.observation_space, env.action_space, flattening(env), byte_scaling(env))


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


def running_statistics(env: gymnasium.Env) -> str | None:
    """Return a line on wrappers that measure the environment as it is played, or None if there are none."""
    found = [type(wrapper).__name__ for wrapper in wrappers(env) if {"obs_rms", "return_rms"} & vars(wrapper).keys()]
    if not found:
        return None
    return (f"running statistics of {' and '.join(found)} are kept in no file: each worker has its own, and --resume, "
            "evaluate and play begin with new ones")
