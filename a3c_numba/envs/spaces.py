"""Adapt the spaces of an environment to the networks, or refuse them with the name of a wrapper that would help.

    actions         Discrete(n, start)      0 .. n - 1; ``start`` is added before the environment's step
    observations    Box (n,) of bytes       float32, scaled to 0 .. 1 by the bounds of the space
                    any other Box (n,)      float32
                    MultiBinary, MultiDiscrete, and Dict or Tuple of vectors
                                            flattened by gymnasium's ``FlattenObservation``, then as a Box (n,);
                                            parts that are a Box of bytes are scaled too
                    Box (H, W, C) of bytes  unchanged
"""

from typing import Any, Iterable, Iterator, Mapping, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from gymnasium.wrappers import FlattenObservation

from ..system.text import one_line, short_repr

SUPPORTED = ("supported are Discrete actions or Box actions (d,) of floats, and Box observations, vectors (n,) "
             "or uint8 images (H, W, C)")
SMALLEST = 20                  # side of an image in pixels, at least, as in core/networks.py
MOST_CHANNELS = 64             # of an image; a last dimension above it is a width


class UnsupportedSpace(ValueError):
    """The networks do not support an action or observation space; the message, one line, names what would help."""


class ByteScaling(NamedTuple):
    """How the bytes among a vector's n numbers are scaled to 0 .. 1, by the bounds of their space; (n,) each."""

    is_byte: np.ndarray
    low: np.ndarray            # 0 for another number
    width: np.ndarray          # 1 for another number

    def scaled(self, vector: np.ndarray) -> np.ndarray:
        """Return (..., n) as float32, scaled; of another shape unchanged, for the caller to report."""
        return (vector.astype(np.float32) - self.low) / self.width if vector.shape[-1:] == self.low.shape else vector


class Float32Vector(gymnasium.ObservationWrapper):
    """A wrapper that converts a vector observation to float32, the type of the networks, and scales its bytes."""

    def __init__(self, env: gymnasium.Env, scaling: "ByteScaling | None" = None):
        super().__init__(env)
        space = env.observation_space
        assert isinstance(space, Box)
        low, high = space.low.astype(np.float32), space.high.astype(np.float32)
        self.scaling = scaling
        if scaling:
            low, high = np.where(scaling.is_byte, 0, low), np.where(scaling.is_byte, 1, high)
        self.observation_space = Box(low, high, dtype=np.float32)

    def observation(self, observation: object) -> object:
        """Convert (n,) of any number type to float32; return anything else unchanged, for the caller to report."""
        if not isinstance(observation, np.ndarray) or not np.can_cast(observation.dtype, np.float32, "same_kind"):
            return observation
        vector = observation.astype(np.float32, copy=False)
        return self.scaling.scaled(vector) if self.scaling else vector


class ActionsFromZero(gymnasium.ActionWrapper):
    """A wrapper that numbers Discrete actions from 0."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        space = env.action_space
        assert isinstance(space, Discrete)
        self._start = int(space.start)
        self.action_space = Discrete(int(space.n))

    def action(self, action: int) -> int:
        """Return the environment's number of an action."""
        return action + self._start


class Flattened(FlattenObservation):
    """gymnasium's wrapper, added by ``adapt`` and not by the environment; ValueError for what does not fit."""

    def observation(self, observation: Any) -> Any:
        """Return the vector (n,)."""
        check_observation(self.env.observation_space, observation)
        return super().observation(observation)


def check_observation(space: gymnasium.Space, obs: Any, name: str = "") -> None:
    """Raise ValueError, one line, for an observation that gymnasium would flatten to wrong numbers."""
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        named: Any = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        kind: Any = Mapping if isinstance(space, spaces.Dict) else (tuple, list)
        if not isinstance(obs, kind) or len(obs) < len(space.spaces):
            raise ValueError(f"an observation must be one of {one_line(space)[:200]}; got {short_repr(obs)}")
        for key, part in named:
            if isinstance(obs, Mapping) and key not in obs:
                raise ValueError(f"an observation lacks its part {str(key)!r}; got {short_repr(obs)}")
            check_observation(part, obs[key], f"{name}.{key}" if name else str(key))
    elif not _fits(space, np.asarray(obs)):
        raise ValueError(f"the part {name!r} of an observation must be one of {one_line(space)[:100]}; got "
                         f"{short_repr(obs)}")


def _fits(space: gymnasium.Space, x: np.ndarray) -> bool:
    """True for numbers of the space's shape; whole ones within its range, unless it is a Box of floats."""
    if x.shape != space.shape or x.dtype.kind not in "biuf":
        return False
    if isinstance(space, Discrete):
        return bool(x in range(int(space.start), int(space.start + space.n)))
    if isinstance(space, MultiDiscrete):
        return bool(((x >= space.start) & (x < space.start + space.nvec) & (x == np.floor(x))).all())
    if isinstance(space, MultiBinary) or space.dtype == np.uint8:
        largest = 1 if isinstance(space, MultiBinary) else 255
        return bool(((x >= 0) & (x <= largest) & (x == np.floor(x))).all())
    return True


def adapt(env: gymnasium.Env) -> gymnasium.Env:
    """Return ``env`` with spaces as the networks take them.  Raise UnsupportedSpace, one line."""
    check_spaces(env)
    if isinstance(env.action_space, Discrete) and env.action_space.start != 0:
        env = ActionsFromZero(env)
    if isinstance(env.observation_space, Box) and len(env.observation_space.shape) == 3:
        return env
    scaling = _byte_scaling(env.observation_space)
    if not isinstance(env.observation_space, Box):
        env = Flattened(env)
    return Float32Vector(env, scaling) if scaling or env.observation_space.dtype != np.float32 else env


def _byte_scaling(space: gymnasium.Space) -> ByteScaling | None:
    """Return how the bytes of a vector, or of the vectors of a Dict or Tuple, are scaled; None if there are none."""
    parts = [part for _, part in _parts(space)] if isinstance(space, (spaces.Dict, spaces.Tuple)) else [space]
    bounds = []
    for part in parts:
        if isinstance(part, Box) and part.dtype == np.uint8:
            low, high = part.low.ravel().astype(np.float32), part.high.ravel().astype(np.float32)
            bounds.append((np.ones(len(low), bool), low, np.maximum(high - low, 1)))
        else:
            n = spaces.flatdim(part)
            bounds.append((np.zeros(n, bool), np.zeros(n, np.float32), np.ones(n, np.float32)))
    scaling = ByteScaling(*map(np.concatenate, zip(*bounds)))
    return scaling if scaling.is_byte.any() else None


def check_spaces(env: gymnasium.Env) -> None:
    """Raise UnsupportedSpace, one line with the wrapper that would help, for a space that ``adapt`` cannot adapt."""
    for kind, space, advice in (("action", env.action_space, _action_advice(env.action_space)),
                                ("observation", env.observation_space, _observation_advice(env.observation_space))):
        if advice:
            raise UnsupportedSpace(f"{kind} space {one_line(space)[:200]}: {advice}; {SUPPORTED}")


def _action_advice(space: gymnasium.Space) -> str | None:
    """Return how to make an action space supported, or None if it is."""
    if isinstance(space, Discrete):
        return None
    if not isinstance(space, Box):
        return "wrap it in gymnasium.wrappers.TransformAction with a Discrete space that numbers the combinations"
    if len(space.shape) != 1 or space.dtype.kind != "f":
        return "wrap it in gymnasium.wrappers.TransformAction with a Box (d,) of floats"
    return None


def _observation_advice(space: gymnasium.Space) -> str | None:
    """Return how to make an observation space supported, or None if it is."""
    if isinstance(space, Box):
        return _box_advice(space)
    if isinstance(space, (MultiBinary, MultiDiscrete)):
        return None
    if isinstance(space, Discrete):
        return "wrap it in gymnasium.wrappers.FlattenObservation, which makes a vector of n numbers of it"
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        parts = dict(_parts(space))
        wrong = next((name for name, part in parts.items() if not _is_vector(part)), None)
        if wrong is not None:
            return (f"its part {one_line(wrong)[:40]!r} is no vector: wrap it in gymnasium.wrappers.FilterObservation, "
                    "which keeps the parts that are named")
        return None if parts else "it has no parts"
    return "wrap it in gymnasium.wrappers.TransformObservation with a Box"


def _parts(space: spaces.Dict | spaces.Tuple, name: str = "") -> Iterator[tuple[str, gymnasium.Space]]:
    """Yield the dotted name and the space of each part of a Dict or Tuple, at any depth."""
    named: Iterable[tuple[object, gymnasium.Space]]
    named = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
    for key, part in named:
        path = f"{name}.{key}" if name else str(key)
        if isinstance(part, (spaces.Dict, spaces.Tuple)):
            yield from _parts(part, path)
        else:
            yield path, part


def _is_vector(part: gymnasium.Space) -> bool:
    """True for a part that can be flattened and is no image."""
    return isinstance(part, (Discrete, MultiBinary, MultiDiscrete)) or isinstance(part, Box) and len(part.shape) <= 1


def _box_advice(space: Box) -> str | None:
    shape, is_bytes = space.shape, space.dtype == np.uint8
    if len(shape) == 1:
        return None
    if len(shape) == 4:
        return ("stacked images: wrap it in gymnasium.wrappers.TransformObservation, with all their planes along the "
                "last axis")
    if len(shape) == 2 and is_bytes and min(shape) >= SMALLEST:
        return f"an image without channels: wrap it in gymnasium.wrappers.ReshapeObservation, to {(*shape, 1)}"
    if len(shape) == 3 and is_bytes:
        return _channels_first_advice(shape) if is_channels_first(shape) else None
    if len(shape) == 3 and min(shape[:2]) >= SMALLEST:
        return "an image that is not of bytes: wrap it in gymnasium.wrappers.TransformObservation, to uint8 0 .. 255"
    return "wrap it in gymnasium.wrappers.FlattenObservation"


def is_channels_first(shape: tuple[int, ...]) -> bool:
    """True for an image (C, H, W): its first dimension is too small for a height, or its last no number of channels."""
    first, second, last = shape
    return first < last and (first < SMALLEST <= second or last > MOST_CHANNELS or second == last)


def _channels_first_advice(shape: tuple[int, ...]) -> str:
    first, *rest = shape
    return ("an image with its channels first: wrap it as gymnasium.wrappers.TransformObservation(env, lambda obs: "
            f"obs.transpose(1, 2, 0), Box(0, 255, {(*rest, first)}, np.uint8))")
