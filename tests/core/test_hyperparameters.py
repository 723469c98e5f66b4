"""Fields of dataclasses that know their range."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from a3c_numba.config import MENUS
from a3c_numba.core.algorithms import ALGORITHMS
from a3c_numba.core.hyperparameters import hyperparameter
from a3c_numba.core.networks import NETWORKS
from a3c_numba.core.optimizers import OPTIMIZERS
from a3c_numba.system.text import short_repr
from a3c_numba.validation import validate, validate_value

PARTS = {name: cls for menu in (ALGORITHMS, OPTIMIZERS, NETWORKS) for name, cls in menu.items()}


@dataclasses.dataclass(frozen=True)
class Example:
    """One field of each kind."""

    rate: float = hyperparameter(0.5, "a share", above=0, at_most=1)
    steps: int = hyperparameter(5, "a count", at_least=1, below=10)
    rows: int = hyperparameter(5, "what takes memory", at_least=1, largest=4096)
    weight: float = hyperparameter(1.0, "a factor", above=0)
    share: float = hyperparameter(0.5, "a share of less than 1", at_least=0, below=1)
    clip: bool = hyperparameter(True, "a switch")
    kind: str = hyperparameter("plain", "one of a few", choices=("plain", "fancy"))
    free: float = 0.0


@pytest.mark.parametrize("values", [{}, {"rate": 1.0}, {"rate": 1}, {"rate": 1e-40}, {"steps": 1}, {"steps": 9},
                                    {"rate": np.float32(0.5)},
                                    {"rate": np.float64(1)}, {"steps": np.int64(5)}, {"clip": False},
                                    {"kind": "fancy"}, {"free": "anything"}, {"rows": 4096}, {"weight": 1e9},
                                    {"share": 1e-300}, {"share": 0.9999999}])
def test_what_is_in_range_is_accepted(values):
    validate(Example(**values))


@pytest.mark.parametrize("name, value, message", [
    ("rate", 0.0, "rate must be above 0 and at most 1; got 0.0"),
    ("rate", 1.5, "rate must be above 0 and at most 1; got 1.5"),
    ("rate", float("nan"), "rate must be above 0 and at most 1; got nan"),
    ("rate", float("inf"), "rate must be above 0 and at most 1; got inf"),
    ("rate", np.float32(1.5), "rate must be above 0 and at most 1; got np.float32(1.5)"),
    ("steps", np.float64(2.5), "steps must be of type int; got np.float64(2.5)"),
    ("rate", "0.5", "rate must be of type float; got '0.5'"),
    ("rate", True, "rate must be of type float; got True"),
    ("steps", 0, "steps must be at least 1 and below 10; got 0"),
    ("steps", 10, "steps must be at least 1 and below 10; got 10"),
    ("steps", 2.5, "steps must be of type int; got 2.5"),
    ("steps", True, "steps must be of type int; got True"),
    ("clip", 1, "clip must be of type bool; got 1"),
    ("kind", "other", "kind must be one of plain, fancy; got 'other'"),
    ("kind", ["plain"], "kind must be one of plain, fancy; got ['plain']"),
    ("kind", np.ones(2), "kind must be one of plain, fancy; got array([1., 1.])"),
    ("rate", np.eye(2), "rate must be of type float; got array([[1., 0.], [0., 1.]])"),
    ("rows", 0, "rows must be at least 1; got 0"),
    ("rows", 4097, "rows must be at most 4,096; got 4097"),
    ("rows", 10**30, f"rows must be at most 4,096; got {10**30}"),
    ("rows", 10**400, f"rows must be at most 4,096; got {str(10**400)[:116]} ..."),
    ("rows", -10**400, f"rows must be at least 1; got {str(-10**400)[:116]} ..."),
    ("weight", 1e300, "weight must be at most 1,000,000,000; got 1e+300"),
    ("weight", 10**400, f"weight must be at most 1,000,000,000; got {str(10**400)[:116]} ..."),
    ("weight", 1e-300, "weight must be above 0; got 1e-300, in float32 0"),
    ("share", 1 - 1e-12, "share must be at least 0 and below 1; got 0.999999999999, in float32 1"),
])
def test_what_is_not_raises_one_line_with_name_range_and_value(name, value, message):
    with pytest.raises(ValueError) as error:
        validate(Example(**{name: value}))
    assert str(error.value) == message


def test_a_number_too_long_to_be_written_is_refused_in_words():
    with pytest.raises(ValueError, match="rows must be at most 4,096; got a very large int"):
        validate(Example(rows=10**5000))
    with pytest.raises(ValueError, match="rate must be above 0 and at most 1; got a very large int"):
        validate(Example(rate=10**5000))


def test_fractions_become_numbers_that_json_can_hold():
    example = Example(rate=Fraction(1, 4), weight=np.longdouble(2))
    validate(example)
    assert (example.rate, type(example.rate), example.weight, type(example.weight)) == (0.25, float, 2.0, float)


def test_what_a_message_shows_of_a_value_is_one_short_line():
    assert short_repr("a") == "'a'" and short_repr("a\nb") == r"'a\nb'"
    assert len(short_repr("a" * 10**6)) == len(short_repr(list(range(10**4)))) == 120
    assert short_repr(np.zeros((3, 3))).startswith("array([[0., 0., 0.], [0.")


NUMBERS = {f"{name}-{field.name}": field for menu in MENUS.values() for name, cls in menu.items()
           for field in dataclasses.fields(cls) if type(field.default) in (int, float)}


@pytest.mark.parametrize("field", NUMBERS.values(), ids=NUMBERS)
def test_every_number_has_a_largest_value(field):
    limits = field.metadata["limits"]
    ends = field.metadata["largest"], limits.get("at most", np.inf), limits.get("below", np.inf)
    largest = type(field.default)(min(ends))
    if "below" not in limits:
        validate_value(field, largest)
    assert field.default <= largest and 0 < float(np.float32(largest)) < np.inf
    for value in (2 * largest + 1, 10**400):
        with pytest.raises(ValueError) as error:
            validate_value(field, value)
        assert str(error.value).startswith(f"{field.name} must be ") and "\n" not in str(error.value)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_frozen_documented_and_has_valid_defaults(name):
    part = PARTS[name]()
    validate(part)
    for field in dataclasses.fields(part):
        assert field.metadata["help"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, field.name, field.default)


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_equal_when_their_values_are(name):
    assert PARTS[name]() == PARTS[name]() and hash(PARTS[name]()) == hash(PARTS[name]())
