"""What an optimizer is: how one worker's gradient, clipped, changes theta.

The global norm of the gradient d is limited (Pascanu et al. 2013):  d <- d min(1, max_gradient_norm / ||d||).
"""

from dataclasses import Field
from typing import ClassVar, Protocol

import numpy as np

from ..gradient import Gradient, arrays
from ..kernel import kernel


@kernel
def square_norm(d):
    """Return the sum of d^2, in the precision of d."""
    total = d[0] * d[0]
    for i in range(1, len(d)):
        total += d[i] * d[i]
    return total


def apart(local: np.ndarray, theta: np.ndarray, part: slice) -> np.ndarray | None:
    """Return this part of ``local`` (n,); None if it is ``theta`` itself, where a kernel need not write twice."""
    return None if local is theta else local[part]


def clip(d: np.ndarray | Gradient, limit: float) -> float:
    """Scale d (n,) in place to a norm of at most ``limit``; return its norm before that, which may not be finite."""
    factors = d.products if isinstance(d, Gradient) else []
    square = sum(square_norm(part) for _, part in arrays(d) if len(part)) + sum(each.square_norm() for each in factors)
    norm = float(np.sqrt(square))
    if np.isfinite(norm) and norm > limit:
        d *= d.dtype.type(limit / norm)
    return norm


class Optimizer(Protocol):
    """A frozen dataclass of hyper-parameters, which inherits ``update`` and has its own ``apply``.

    Attributes:
        own_statistics: True if each worker has its own statistics.
        learning_rate: eta at step 0.
        max_gradient_norm: to which the global norm of a gradient is clipped.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]
    own_statistics: ClassVar[bool]
    learning_rate: float
    max_gradient_norm: float

    def update(self, theta: np.ndarray, statistics: np.ndarray, d_theta: np.ndarray | Gradient, local: np.ndarray,
               eta: float) -> float:
        """Apply ``d_theta`` (n,) to ``theta`` and ``statistics`` (n,) in place; then local <- theta and d_theta <- 0.

        ``local`` is theta', or the array ``theta`` itself if the worker acts on it.

        Return the global norm of the gradient before clipping.  If it is not finite, theta and statistics stay
        unchanged.
        """
        norm = clip(d_theta, self.max_gradient_norm)
        if not np.isfinite(norm):
            if local is not theta:
                local[:] = theta
            d_theta.fill(0)
            return norm
        self.apply(theta, statistics, d_theta, local, eta)
        return norm

    def apply(self, theta: np.ndarray, statistics: np.ndarray, d_theta: np.ndarray | Gradient, local: np.ndarray,
              eta: float, /) -> None:
        """Do the same with a gradient that is finite, and clipped."""
