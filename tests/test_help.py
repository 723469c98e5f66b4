"""What ``help`` shows: an example that runs, every field explained, types in every public signature."""

import dataclasses
import doctest
import inspect
import re
import typing
from pathlib import Path

import pytest

import a3c_numba
import a3c_numba.agent
from a3c_numba import Agent
from a3c_numba.config import MENUS, Config
from a3c_numba.evaluation import EvaluationSettings
from a3c_numba.presets import Preset
from a3c_numba.runs.progress import Progress

PUBLIC = {name: getattr(a3c_numba, name) for name in a3c_numba.__all__}
CLASSES = {cls.__name__: cls for cls in (*PUBLIC.values(), Config, EvaluationSettings, Preset,
                                         *(cls for menu in MENUS.values() for cls in menu.values()))}
DATACLASSES = {name: cls for name, cls in CLASSES.items() if dataclasses.is_dataclass(cls)}


def test_the_example_of_help_runs():
    example, = doctest.DocTestFinder(recurse=False).find(Agent, "Agent", globs={"Agent": Agent})
    assert example.examples and doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize("cls", DATACLASSES.values(), ids=DATACLASSES)
def test_every_field_of_a_dataclass_is_explained(cls):
    lines = inspect.getdoc(cls).split("Attributes:\n")[1].splitlines()
    for field, line in zip(dataclasses.fields(cls), lines, strict=True):
        name, explanation = line.strip().split(": ", 1)
        assert name.split(" (default ")[0] == field.name and len(explanation) > 5
        if "help" in field.metadata:                                     # then the line is made of it
            assert line == f"    {field.name} (default {field.default!r}): {field.metadata['help']}"


def test_there_are_dataclasses_to_look_at():
    assert {"A3C", "LocalRMSProp", "MLP", "Limits", "AtariSettings", "OneStepSarsa"} <= DATACLASSES.keys()


METHODS = {name: method for name, method in inspect.getmembers(Agent, inspect.isroutine)
           if (not name.startswith("_") or name == "__init__") and method.__module__ == "a3c_numba.agent"}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_public_signature_has_types_and_no_any(method):
    hints = typing.get_type_hints(method)
    assert hints.keys() >= {*inspect.signature(method).parameters, "return"} - {"self", "cls"}
    assert not [name for name, hint in hints.items() if has_any(hint)]


def has_any(hint):
    """Whether a type is Any, or made of it, but for the types of NumPy."""
    inside = () if getattr(hint, "__module__", "").startswith("numpy") else typing.get_args(hint)
    return hint is typing.Any or any(has_any(part) for part in inside if not isinstance(part, list))


def test_there_are_methods_to_look_at():
    assert {"__init__", "learn", "resume", "predict", "evaluate", "load", "save"} <= METHODS.keys()


def test_every_number_of_a_runs_progress_is_explained():
    """In ``help`` and, in the same order, on the page of the command line."""
    page = (Path(a3c_numba.__file__).parent / "docs" / "command_line.md").read_text(encoding="utf-8")
    table = page.split("Columns of `progress.csv`:")[1].split("Columns of")[0]
    assert re.findall(r"^    (\w+): ", inspect.getdoc(Progress), re.MULTILINE) == list(Progress._fields)
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Progress._fields)
