"""What an optimizer is: how one worker's gradient changes theta."""

from typing import Any, ClassVar, Protocol

import numpy as np

from ..gradient import Gradient


class Optimizer(Protocol):
    """A frozen dataclass of hyper-parameters; ``own_statistics`` is True if each worker has its own statistics."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    own_statistics: ClassVar[bool]

    @property
    def learning_rate(self) -> float:
        """Return eta at step 0."""

    @property
    def max_gradient_norm(self) -> float:
        """Return c, to which the global norm of a gradient is clipped."""

    def update(self, theta: np.ndarray, statistics: np.ndarray, d_theta: np.ndarray | Gradient, local: np.ndarray,
               eta: float, /) -> float:
        """Apply ``d_theta`` (n,) to ``theta`` and ``statistics`` (n,) in place; then local <- theta and d_theta <- 0.

        Return the global norm of the gradient before clipping.  If it is not finite, theta stays unchanged.
        """
