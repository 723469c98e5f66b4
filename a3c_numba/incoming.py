"""What an environment gives, looked at before anything is computed of it."""

from typing import Any, SupportsFloat

import numpy as np

from .jit import kernel


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


def number_of(reward: Any) -> float | None:
    """As a float; None for what is no single real number."""
    number = reward.item() if isinstance(reward, np.ndarray) and reward.size == 1 else reward
    if isinstance(number, SupportsFloat) and not isinstance(number, np.ndarray):
        return float(number)
    return None


def kind_of(x: Any) -> str:
    """Shape and type, for a message."""
    return f"{x.shape} {x.dtype}" if isinstance(x, np.ndarray) else f"of type {type(x).__name__}"
