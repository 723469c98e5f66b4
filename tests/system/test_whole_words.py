"""Copies word by word, of every bit; that none is torn is tests/faults/test_lock_free.py's."""

import numpy as np
import pytest

from a3c_numba.system.whole_words import copied_words


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_every_bit_is_copied_also_nan_and_minus_zero(dtype):
    odd = np.array([-0.0, 1e-45, 7e-44, np.inf], np.float32), np.random.default_rng(0).bytes(8 * 1001)
    source = np.concatenate([np.frombuffer(part, np.uint8) for part in odd]).view(dtype)
    copy = copied_words(source)
    assert copy.dtype == source.dtype and copy.tobytes() == source.tobytes()
    assert not np.shares_memory(copy, source)


def test_an_empty_array_is_copied():
    assert copied_words(np.zeros(0, np.float32)).shape == (0,)
