"""Keep libraries to one thread, in processes of this package's own: workers, their server, and a command."""

import os

VARIABLES = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"


def use_one_thread() -> None:
    """Set the environment variables that NumPy and others read when they are first imported, unless they are set.

    One process per core is the parallelism.  A program that imports this package keeps its own settings.
    """
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
