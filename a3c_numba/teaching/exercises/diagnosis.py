"""Guesses the mistake behind a wrong array, from the numbers alone."""

import numpy as np


def guess(expected: np.ndarray, found: np.ndarray) -> str | None:
    """Compare two float arrays of the same shape that differ; return a line, or None if no pattern is found."""
    if not np.isfinite(found).all():
        return "a number is not finite: a division by 0, or exp of a large number overflowed"
    mended = {"every number has the wrong sign": -found}                 # each typical mistake undone
    if found.ndim == 2:
        mended["the array is right but transposed"] = found.T
    if found.ndim and len(found) > 1:
        mended["the array is right but backwards: the first row is the last"] = found[::-1]
    for about, array in mended.items():
        if array.shape == expected.shape and np.allclose(array, expected, rtol=1e-6, atol=1e-9):
            return about
    there = np.abs(expected) > 1e-9                                      # one factor that at least three numbers share
    if there.sum() >= 3 and np.allclose(found[~there], 0):
        ratios = found[there] / expected[there]
        if np.allclose(ratios, ratios[0], rtol=1e-6) and abs(ratios[0]) > 1e-9:
            return f"every number is {ratios[0]:.6g} times what it should be"
    gaps = (found - expected).ravel()                                    # one difference that they share
    if gaps.size >= 3 and np.allclose(gaps, gaps[0], rtol=1e-6):
        return f"every number is {abs(gaps[0]):.6g} too {'large' if gaps[0] > 0 else 'small'}"
    return None
