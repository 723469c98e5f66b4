"""What an environment or a person gives, looked at before anything is computed of it: by training and evaluation."""

from typing import Any, SupportsFloat

import numpy as np

from .kernel import kernel


@kernel
def mend(x):
    """0 <- every number of x (n,) that is not finite; whether there was one."""
    found = False
    for i in range(len(x)):
        if not np.isfinite(x[i]):
            x[i] = 0
            found = True
    return found


def fits(obs: Any, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether it is an array of this shape, and of numbers that become ``dtype`` without losing what they are."""
    if type(obs) is np.ndarray and obs.dtype is dtype and obs.shape == shape:
        return True
    rule: Any = "same_kind" if dtype.kind == "f" else "safe"
    return isinstance(obs, np.ndarray) and obs.shape == shape and np.can_cast(obs.dtype, dtype, rule)


def fitting(obs: Any, shape: tuple[int, ...], dtype: Any, step: int) -> Any:
    """The observation itself; raises ValueError, in one line, unless it fits.  ``step`` 0 is the reset."""
    if not fits(obs, shape, dtype):
        raise ValueError(f"the environment gave an observation {_kind_of(obs)} at {_moment(step)}, "
                         f"expected {shape} {dtype}")
    return obs


def take_up(obs: np.ndarray, row: np.ndarray) -> bool:
    """row <- the observation as the network sees it, 0 for a number that is not finite; whether there was one."""
    row[...] = obs
    return row.dtype.kind == "f" and mend(row)


def paid(reward: Any, step: int) -> float:
    """The reward as a float; raises ValueError, in one line, for what is no single real number."""
    if isinstance(reward, (float, int)):
        return float(reward)
    number = reward.item() if isinstance(reward, np.ndarray) and reward.size == 1 else reward
    if isinstance(number, np.ndarray) or not isinstance(number, SupportsFloat):
        raise ValueError(f"the environment gave a reward {_kind_of(reward)} at {_moment(step)}, expected a number")
    return float(number)


def converted(obs: Any, dtype: Any) -> np.ndarray:
    """A person's observations as ``dtype``; raises ValueError, in one line, where whole numbers would not stay so."""
    given = np.asarray(obs)
    if given.dtype.kind not in ("biuf" if dtype.kind == "f" else "biu"):
        raise ValueError(f"observations must be {dtype}; got {given.dtype}")
    taken = np.ascontiguousarray(given, dtype)
    if dtype.kind != "f" and (taken != given).any():
        raise ValueError(f"observations must be {dtype}; got numbers from {given.min()} to {given.max()}")
    return taken


def remembered(state: Any, episode_start: Any, shape: tuple[int, int]) -> np.ndarray:
    """A recurrent state (n, size) that a person hands back; raises ValueError for one of another shape."""
    if state is None:
        return np.zeros(shape, np.float32)
    if np.shape(state) != shape:
        raise ValueError(f"state must be of shape {shape}, as predict returned it; got {np.shape(state)}")
    before = np.array(state, np.float32)
    if episode_start is not None:
        starts = np.asarray(episode_start, bool)
        if starts.shape not in ((), shape[:1]):
            raise ValueError(f"episode_start must be of shape {shape[:1]}; got {starts.shape}")
        before[np.broadcast_to(starts, shape[0])] = 0
    return before


def _kind_of(x: Any) -> str:
    return f"{x.shape} {x.dtype}" if isinstance(x, np.ndarray) else f"of type {type(x).__name__}"


def _moment(step: int) -> str:
    return f"{f'step {step}' if step else 'the reset'} of its episode"
