"""Actions as text: each comes back as it was, and in few bytes."""

import json

import numpy as np
import pytest

from a3c_numba.runs.compact_array import decode, encode

ARRAYS = {"none": np.zeros(0, np.int64), "few": np.array([0, 255, 3]), "many": np.array([0, 256, 2**31 - 1]),
          "vectors": np.float32([[0.1, -3e38], [1e-40, 7]]), "no vectors": np.zeros((0, 3), np.float32)}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_through_json(name):
    again = decode(json.loads(json.dumps(encode(ARRAYS[name]))))
    assert again.shape == ARRAYS[name].shape and again.tolist() == ARRAYS[name].tolist()


def test_actions_that_fit_take_a_byte_each():
    assert len(json.dumps(encode(np.arange(3000) % 6))) < 1.4 * 3000
    assert len(json.dumps(encode(np.ones((3000, 2), np.float32)))) < 5.4 * 6000


GOOD = encode(np.array([0, 1, 2]))


@pytest.mark.parametrize("stored", [
    {}, {"shape": [3]}, GOOD | {"more": 1}, GOOD | {"shape": [4]}, GOOD | {"shape": [-3]}, GOOD | {"shape": [3.0]},
    GOOD | {"shape": [True, 3]}, GOOD | {"shape": 3}, GOOD | {"shape": [1, 1, 3]}, GOOD | {"shape": []},
    GOOD | {"dtype": "O"}, GOOD | {"dtype": "<f8"}, GOOD | {"dtype": ["|u1"]}, GOOD | {"base64": None},
    GOOD | {"base64": "AAE C"}, GOOD | {"base64": "AAEC%"}, GOOD | {"base64": 5},
    {"shape": [1], "dtype": "<f4", "base64": "AADAfw=="},                # NaN
    {"shape": [0, 10**30], "dtype": "|u1", "base64": ""},
], ids=str)
def test_an_object_of_another_kind_is_refused(stored):
    with pytest.raises(Exception):
        decode(stored)
