"""Arrays that start at a cache line."""

import numpy as np
import numpy.typing as npt


def aligned_zeros(size: int, dtype: npt.DTypeLike = np.float32) -> np.ndarray:
    """Return zeros that start at a cache line (64 bytes), so that no vector load of a row straddles two lines."""
    dtype = np.dtype(dtype)
    raw = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start:start + size * dtype.itemsize].view(dtype)
