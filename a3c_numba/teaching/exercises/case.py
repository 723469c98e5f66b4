"""One call of a learner's function, and what the package says the answer is."""

from typing import Any, NamedTuple

import numpy as np

EXACT = 1e-9                   # where the package computes in float64
SINGLE = 1e-5                  # where it computes in float32


class Case(NamedTuple):
    """Arguments in the order of the signature; answers, and a hint for each, in the order of the return."""

    function: str
    arguments: dict[str, Any]
    expected: dict[str, np.ndarray]
    hints: dict[str, str]
    tolerance: float = EXACT   # relative, and absolute
