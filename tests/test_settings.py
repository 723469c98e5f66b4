"""Fields of dataclasses that know their range."""

import dataclasses

import numpy as np
import pytest

from a3c_numba.algorithms import ALGORITHMS
from a3c_numba.networks import NETWORKS
from a3c_numba.optimizers import OPTIMIZERS
from a3c_numba.settings import check, setting

PARTS = {name: cls for menu in (ALGORITHMS, OPTIMIZERS, NETWORKS) for name, cls in menu.items()}


@dataclasses.dataclass(frozen=True)
class Example:
    """One field of each kind."""

    rate: float = setting(0.5, "a share", above=0, at_most=1)
    steps: int = setting(5, "a count", at_least=1, below=10)
    clip: bool = setting(True, "a switch")
    kind: str = setting("plain", "one of a few", choices=("plain", "fancy"))
    free: float = 0.0


@pytest.mark.parametrize("values", [{}, {"rate": 1.0}, {"rate": 1}, {"rate": 1e-300}, {"steps": 1}, {"steps": 9},
                                    {"rate": np.float32(0.5)},
                                    {"rate": np.float64(1)}, {"steps": np.int64(5)}, {"clip": False}, {"kind": "fancy"}, {"free": "anything"}])
def test_what_is_in_range_is_accepted(values):
    check(Example(**values))


@pytest.mark.parametrize("name, value, message", [
    ("rate", 0.0, "rate must be above 0 and at most 1; got 0.0"),
    ("rate", 1.5, "rate must be above 0 and at most 1; got 1.5"),
    ("rate", float("nan"), "rate must be above 0 and at most 1; got nan"),
    ("rate", float("inf"), "rate must be above 0 and at most 1; got inf"),
    ("rate", np.float32(1.5), "rate must be above 0 and at most 1; got np.float32(1.5)"),
    ("steps", np.float64(2), "steps must be of type int; got np.float64(2.0)"),
    ("rate", "0.5", "rate must be of type float; got '0.5'"),
    ("rate", True, "rate must be of type float; got True"),
    ("steps", 0, "steps must be at least 1 and below 10; got 0"),
    ("steps", 10, "steps must be at least 1 and below 10; got 10"),
    ("steps", 2.0, "steps must be of type int; got 2.0"),
    ("steps", True, "steps must be of type int; got True"),
    ("clip", 1, "clip must be of type bool; got 1"),
    ("kind", "other", "kind must be one of plain, fancy; got 'other'"),
])
def test_what_is_not_raises_one_line_with_name_range_and_value(name, value, message):
    with pytest.raises(ValueError) as error:
        check(Example(**{name: value}))
    assert str(error.value) == message


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_frozen_documented_and_has_valid_defaults(name):
    part = PARTS[name]()
    check(part)
    for field in dataclasses.fields(part):
        assert field.metadata["help"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, field.name, field.default)


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_equal_when_their_values_are(name):
    assert PARTS[name]() == PARTS[name]() and hash(PARTS[name]()) == hash(PARTS[name]())
