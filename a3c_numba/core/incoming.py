"""Numbers that are not finite, replaced before anything is computed of them."""

import numpy as np

from .kernel import kernel


@kernel
def zero_nonfinite(x):
    """0 <- every number of x (n,) that is not finite; whether there was one."""
    found = False
    for i in range(len(x)):
        if not np.isfinite(x[i]):
            x[i] = 0
            found = True
    return found
