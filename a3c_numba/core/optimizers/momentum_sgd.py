"""Stochastic gradient descent with momentum; each worker has its own momentum (paper, section 4, Optimization).

    m     <- alpha m + (1 - alpha) d
    theta <- theta - eta m

d is the gradient after clipping of its global norm.  theta is shared and never locked; m belongs to one worker.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..gradient import Gradient, blocks
from ..hyperparameters import documented, hyperparameter
from ..kernel import kernel
from .base import Optimizer, apart


@kernel
def update(theta, m, d, local, eta, alpha, one_less_alpha):
    """Update all elements (n,); then theta' = local, if not None, is what was just written to theta, and d is 0."""
    for i in range(len(d)):
        m_i = alpha * m[i] + one_less_alpha * d[i]
        theta_i = theta[i] - eta * m_i
        m[i] = m_i
        theta[i] = theta_i
        if local is not None:
            local[i] = theta_i
        d[i] = 0


@documented
@dataclass(frozen=True)
class MomentumSGD(Optimizer):
    """Momentum SGD; alpha is that of the paper's RMSProp, the learning rate is in the range that the paper searched."""

    learning_rate: float = hyperparameter(7e-4, "eta at step 0, annealed linearly to 0 (the authors' value)", above=0)
    momentum: float = hyperparameter(0.99, "alpha, of the running mean of gradients (the paper's)", at_least=0, below=1)
    max_gradient_norm: float = hyperparameter(40.0, "the global norm is clipped to it (the authors' value)", above=0)
    own_statistics: ClassVar[bool] = True

    def apply(self, theta: np.ndarray, m: np.ndarray, d_theta: np.ndarray | Gradient, local: np.ndarray,
              eta: float) -> None:
        real = d_theta.dtype.type
        for part, d in blocks(d_theta):
            own = apart(local, theta, part)
            update(theta[part], m[part], d, own, real(eta), real(self.momentum), real(1 - self.momentum))
