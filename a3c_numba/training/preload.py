"""Imported by the server that workers are forked from, before the first fork, once for all workers.

Numba imports and registers much of itself only when a first kernel is used, which takes longer than loading all the
others: so one is used here.
"""

import numpy as np

from ..system.nonfinite import zero_nonfinite
from . import worker_process  # noqa: F401 - and all that it imports

zero_nonfinite(np.zeros(1, np.float32))
