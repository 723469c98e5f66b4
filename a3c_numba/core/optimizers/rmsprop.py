"""RMSProp with statistics shared by all workers, or one set for each worker (paper, section 4, Optimization).

    g     <- alpha g + (1 - alpha) d^2
    theta <- theta - eta d / sqrt(g + epsilon)

Element by element, without momentum or centring; d is the gradient after clipping of its global norm.

theta, and g if it is shared, are read and written while other workers do the same.  An aligned 32-bit word is never
torn, but an update between another worker's read and write is lost, as in Hogwild (Recht et al. 2011).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..gradient import Gradient, arrays_and_batches, products
from ..hyperparameters import documented, hyperparameter
from ..kernel import kernel
from .base import Optimizer, apart


@kernel
def update(theta, g, d, local, eta, alpha, one_less_alpha, epsilon):
    """Update all elements (n,); then theta' = local, if not None, is what was just written to theta, and d is 0.

    All scalars have the dtype of the arrays; ``1 - alpha`` computed here would be float64, and so would the results.
    """
    for i in range(len(d)):
        g_i = alpha * g[i] + one_less_alpha * d[i] * d[i]
        theta_i = theta[i] - eta * d[i] / np.sqrt(g_i + epsilon)
        g[i] = g_i
        theta[i] = theta_i
        if local is not None:
            local[i] = theta_i
        d[i] = 0


@kernel
def update_product(theta, g, x, d_y, d, local, rates):
    """Update theta (I, O) as ``update`` does, by the gradient x^T d_y of x (I, rows >= T) and d_y (T, O).

    Each row of the gradient is computed when it is used; d (O,) is scratch, and 0 before and after.  A row whose x is
    all 0 has no gradient: theta stays as it is, and is not written.
    """
    for i in range(len(theta)):
        nonzero = False
        for t in range(len(d_y)):
            if x[i, t] != 0:
                nonzero = True
                for j in range(len(d)):
                    d[j] += x[i, t] * d_y[t, j]
        if nonzero:
            if local is None:
                update(theta[i], g[i], d, None, *rates)
            else:
                update(theta[i], g[i], d, local[i], *rates)
        else:
            for j in range(len(d)):
                g[i, j] *= rates[1]                                      # alpha
                if local is not None:
                    local[i, j] = theta[i, j]


@documented
@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Shared RMSProp; the defaults are the paper's, or its authors' own if the paper gives none."""

    learning_rate: float = hyperparameter(7e-4, "eta at step 0, annealed linearly to 0 (the authors' value)", above=0)
    decay: float = hyperparameter(0.99, "alpha, of the running mean of squared gradients (the paper's)", at_least=0,
                                  below=1)
    epsilon: float = hyperparameter(0.1, "epsilon inside RMSProp's root, not that of exploration (the authors' "
                                    "value)", above=0)
    max_gradient_norm: float = hyperparameter(40.0, "the global norm is clipped to it (the authors' value)", above=0)
    own_statistics: ClassVar[bool] = False         # g is shared

    def apply(self, theta: np.ndarray, g: np.ndarray, d_theta: np.ndarray | Gradient, local: np.ndarray,
              eta: float) -> None:
        """Update each part of theta in the form in which its gradient is kept (gradient.py): an array, or factors."""
        real = d_theta.dtype.type
        rates = real(eta), real(self.decay), real(1 - self.decay), real(self.epsilon)
        for part, d in arrays_and_batches(d_theta):
            update(theta[part], g[part], d, apart(local, theta, part), *rates)
        for each in products(d_theta):
            own = None if local is theta else each.view(local)
            update_product(each.view(theta), each.view(g), each.x, each.d_y[:each.length], each.row, own, rates)


@documented
@dataclass(frozen=True)
class LocalRMSProp(RMSProp):
    """RMSProp with separate statistics for each worker, the paper's other variant; the same defaults."""

    own_statistics: ClassVar[bool] = True
