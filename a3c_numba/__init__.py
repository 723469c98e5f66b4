"""A3C (Mnih et al. 2016) from scratch: numpy, numba kernels, hand-written backpropagation, lock-free workers."""

import os

# One process per core is the parallelism.  Libraries read these when they are first imported, in this process and in
# the workers that it will start, so they are set before anything else.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from .agent import Agent  # noqa: E402
from .algorithms import A3C  # noqa: E402
from .checkpoint import CheckpointError  # noqa: E402
from .networks import MLP, Convolutional  # noqa: E402
from .optimizers import RMSProp  # noqa: E402
from .crew import WorkerDied  # noqa: E402

__version__ = "0.1.0"
__all__ = ["A3C", "Agent", "CheckpointError", "Convolutional", "MLP", "RMSProp", "WorkerDied"]
