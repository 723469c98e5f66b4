"""What an environment gives, looked at before anything is computed of it: by training and by evaluation."""

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


def _kind_of(x: Any) -> str:
    return f"{x.shape} {x.dtype}" if isinstance(x, np.ndarray) else f"of type {type(x).__name__}"


def _moment(step: int) -> str:
    return f"{f'step {step}' if step else 'the reset'} of its episode"
