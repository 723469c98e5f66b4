"""Arrays of actions as JSON holds them: {"shape": [n, d], "dtype": "<f4", "base64": text}, for n steps.

Whole numbers are stored in one byte each if all fit, or in four.
"""

import base64
import math
from typing import Any

import numpy as np

DTYPES = ("|u1", "<i4", "<f4")


def encode(array: np.ndarray) -> dict[str, Any]:
    """Return the JSON object for an array (n,) of whole numbers, or (n, d) of float32."""
    dtype = "<f4"
    if array.dtype.kind in "iu":
        dtype = "|u1" if array.max(initial=0) < 256 and array.min(initial=0) >= 0 else "<i4"
    content = base64.b64encode(array.astype(dtype).tobytes())
    return {"shape": list(array.shape), "dtype": dtype, "base64": content.decode()}


def decode(stored: dict[str, Any]) -> np.ndarray:
    """Return the array of an object by ``encode``.  Raise an Exception for any other."""
    shape, dtype = stored["shape"], stored["dtype"]
    if stored.keys() != {"shape", "dtype", "base64"} or dtype not in DTYPES or len(shape) not in (1, 2):
        raise ValueError("not an array of actions")
    if not all(type(n) is int and n >= 0 for n in shape) or 0 in shape[1:]:
        raise ValueError(f"the shape {shape} is none")
    array = np.frombuffer(base64.b64decode(stored["base64"], validate=True), dtype)
    if len(array) != math.prod(shape) or not np.isfinite(array).all():
        raise ValueError(f"{len(array)} numbers do not fit the shape {shape}, or are not finite")
    return array.reshape(shape)
