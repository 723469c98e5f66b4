"""Stacks of four frames of bytes, four bytes at a time.  Optional: ``gather`` in core/replay.py is the plain version.

The bytes of one pixel in four frames lie side by side in an observation (pixels, 4), so they are one 32-bit word.
"""

import sys

import numpy as np
import numpy.typing as npt

from . import kernel


def supported(dtype: npt.DTypeLike, stack: int) -> bool:
    """True if a pixel of an observation is four bytes."""
    return np.dtype(dtype) == np.uint8 and stack == 4 and sys.byteorder == "little"


@kernel
def interleave(first, second, third, fourth, words):
    """Set words (pixels,) uint32 to the bytes (pixels,) of four frames, side by side in memory."""
    for i in range(len(words)):
        words[i] = (np.uint32(first[i]) | np.uint32(second[i]) << np.uint32(8) | np.uint32(third[i]) << np.uint32(16)
                    | np.uint32(fourth[i]) << np.uint32(24))


@kernel
def gather_words(frames, entries, obs, next_obs):
    """Set obs and next_obs (n, pixels) uint32 to the stacks of ``entries`` (n,) and of the entries after them."""
    size = len(frames)
    for b in range(len(entries)):
        last = entries[b]
        oldest, second, third = frames[(last - 3) % size], frames[(last - 2) % size], frames[(last - 1) % size]
        newest, after = frames[last % size], frames[(last + 1) % size]
        interleave(oldest, second, third, newest, obs[b])
        interleave(second, third, newest, after, next_obs[b])


def gather(frames: np.ndarray, entries: np.ndarray, obs: np.ndarray, next_obs: np.ndarray) -> None:
    """Set obs and next_obs (n, pixels, 4) uint8, which are contiguous, as the plain version does."""
    gather_words(frames, entries, obs.view(np.uint32)[:, :, 0], next_obs.view(np.uint32)[:, :, 0])
