"""Compares a learner's file with the package, case by case, and reports the first difference."""

from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .case import EXACT, Case
from .diagnosis import guess
from .learner_file import LearnerFile, NotRight
from .menu import Exercise

SHOWN = 24                     # a case of at most so many numbers is printed whole


class Grade(Enum):
    """The result for one exercise; the value is the word that is printed."""

    RIGHT = "right"
    BLANK = "blank"
    WRONG = "wrong"
    NO_FILE = "no file"


class Verdict(NamedTuple):
    """The grade of one exercise, and the lines that explain it."""

    grade: Grade
    lines: tuple[str, ...] = ()


def grade(exercise: Exercise, path: Path) -> Verdict:
    """Try every case until one is wrong; raise OSError if the file cannot be read."""
    begun: list[str] = []                                                # functions, the last one in question
    right: list[str] = []                                                # right functions, and arrays of the last one
    count = 0
    try:
        learner = LearnerFile(path)
        for count, case in enumerate(exercise.cases(), 1):
            if case.function not in begun:
                begun.append(case.function)
            right[:] = begun[:-1]
            for name, part in zip(case.expected, _parts(case, learner.answer(case))):
                _compare(case, name, part)
                right.append(name)
    except NotRight as trouble:
        so_far = (f"right so far: {', '.join(right)}",) if right else ()
        inputs = _inputs(trouble.case) if trouble.case else ()
        return Verdict(Grade.BLANK if trouble.blank else Grade.WRONG, (*trouble.lines, *so_far, *inputs))
    return Verdict(Grade.RIGHT, (f"{count} cases agree with the package's own kernels",))


def _parts(case: Case, answer: object) -> tuple[object, ...]:
    """Split the answer into one part for each expected array; raise NotRight."""
    names = list(case.expected)
    if answer is None:
        raise NotRight(f"{case.function} returns nothing: let it end with return {', '.join(names)}", blank=True)
    if len(names) == 1:
        return (answer,)
    if not isinstance(answer, (tuple, list)) or len(answer) != len(names):
        given = len(answer) if isinstance(answer, (tuple, list)) else "one object"
        raise NotRight(f"{case.function} should return {len(names)} arrays, {', '.join(names)}; it gave {given}",
                       blank=answer is Ellipsis)
    return tuple(answer)


def _compare(case: Case, name: str, part: object) -> None:
    """Raise NotRight, with a hint, if one array differs from the expected one."""
    place, expected = f"{case.function}: {name}", case.expected[name]
    if part is None or part is Ellipsis:
        raise NotRight(f"{place} is still a blank ({'None' if part is None else '...'})", blank=True)
    try:
        found = np.asarray(part)
    except Exception:                                                    # such as rows of different lengths
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        shown = " ".join(repr(part).split())[:80]
        raise NotRight(f"{place} is not an array of real numbers but a {type(part).__name__}: {shown}")
    if found.shape != expected.shape:
        raise NotRight(f"{place} has shape {found.shape}, expected {expected.shape}", f"hint: {case.hints[name]}",
                       case=case)
    real, given = expected.astype(np.float64), found.astype(np.float64)
    differs = ~np.isclose(given, real, rtol=case.tolerance, atol=case.tolerance)
    if differs.any():
        first = tuple(int(i) for i in np.argwhere(differs)[0])
        hint = guess(real, given) if expected.dtype.kind == "f" else None
        found_there, expected_there = (_number(array[first], case.tolerance) for array in (found, expected))
        raise NotRight(f"{place}, shape {found.shape} as expected, differs in {differs.sum()} of {found.size} numbers",
                       f"the first is {name}{list(first) if first else ''}: found {found_there}, "
                       f"expected {expected_there}", f"hint: {hint or case.hints[name]}", case=case)


def _number(value: np.generic, tolerance: float) -> str:
    digits = 7 if tolerance > EXACT else 10
    return str(value) if isinstance(value, np.bool_) else f"{value:.{digits}g}"


def _inputs(case: Case) -> tuple[str, ...]:
    """Return the case, if it is small enough to be worked out by hand, or else its shapes."""
    arguments = {name: np.asarray(value) for name, value in case.arguments.items()}
    small = sum(value.size for value in arguments.values()) <= SHOWN
    return ("the case:", *(f"    {name} = {value.tolist()}" if small or not value.ndim else
                           f"    {name}: shape {value.shape}" for name, value in arguments.items()))
