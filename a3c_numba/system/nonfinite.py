"""Numbers that are not finite, replaced before anything is computed from them."""

import numpy as np

from .numba_cache import compiled

kernel = compiled(error_model="numpy", nogil=True)


@kernel
def zero_nonfinite(x):
    """Set every number of x (n,) that is not finite to 0; return whether there was one."""
    found = False
    for i in range(len(x)):
        if not np.isfinite(x[i]):
            x[i] = 0
            found = True
    return found
