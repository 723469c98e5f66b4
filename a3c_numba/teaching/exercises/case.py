"""One call of a learner's function, and the answer that the package computes."""

from typing import Mapping, NamedTuple

import numpy as np

EXACT = 1e-9                   # if the package computes in float64
SINGLE = 1e-5                  # if it computes in float32


class Case(NamedTuple):
    """The arguments in the order of the signature; the answers, with a hint for each, in the order of the return."""

    function: str
    arguments: Mapping[str, object]
    expected: dict[str, np.ndarray]
    hints: dict[str, str]
    tolerance: float = EXACT   # relative, and absolute
