"""Copies of arrays that other processes write to meanwhile: every word is one that was written.

``copy()`` and ``a[:] = b`` copy bytes (``memcpy``).  Some processors copy the ends of a block byte by byte: a word that
is written at this moment may come out with bytes of the old one and the new one.  An operation on numbers reads and
writes whole words; ``| 0`` changes none of their bits and takes no longer.
"""

import numpy as np


def copy_words(source: np.ndarray, target: np.ndarray) -> None:
    """target <- source of the same shape, word by word; words have 1, 2, 4 or 8 bytes."""
    if source.dtype != target.dtype:
        target[:] = source                                               # a conversion takes number by number
        return
    words = np.dtype(f"u{source.itemsize}")
    np.bitwise_or(source.view(words), words.type(0), out=target.view(words))


def copied_words(source: np.ndarray) -> np.ndarray:
    """Return a copy of ``source`` as ``copy_words`` makes it."""
    target = np.empty_like(source)
    copy_words(source, target)
    return target
