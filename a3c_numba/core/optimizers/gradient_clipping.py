"""The global norm of a gradient, and its clipping (Pascanu et al. 2013):  d <- d min(1, c / ||d||)."""

import numpy as np

from ..gradient import Gradient
from ..kernel import kernel


@kernel
def square_norm(d):
    """Return the sum of d^2, in the precision of d."""
    total = d[0] * d[0]
    for i in range(1, len(d)):
        total += d[i] * d[i]
    return total


def global_norm(d: np.ndarray | Gradient) -> float:
    """Return ||d||, which may not be finite."""
    if not isinstance(d, Gradient):
        return float(np.sqrt(square_norm(d)))
    return float(np.sqrt(sum(square_norm(d.flat[part]) for part in d.rest if part.stop > part.start)
                         + sum(d.square_norms())))


def clip(d: np.ndarray | Gradient, limit: float) -> float:
    """Scale d (n,) in place to a norm of at most ``limit``; return its norm before that, which may not be finite."""
    norm = global_norm(d)
    if np.isfinite(norm) and norm > limit:
        d *= d.dtype.type(limit / norm)
    return norm
