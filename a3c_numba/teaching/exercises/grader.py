"""Compares a learner's file with the package, case by case, and reports the first difference."""

from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .case import EXACT, Case
from .diagnosis import guess
from .learner_file import LearnerFile, Unanswered
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
            lines = _compare(case, learner.answer(case), right)
            if lines:
                return Verdict(Grade.WRONG, (*lines, *_so_far(right), *_inputs(case)))
    except Unanswered as trouble:
        inputs = _inputs(trouble.case) if trouble.case else ()
        return Verdict(Grade.BLANK if trouble.blank else Grade.WRONG, (*trouble.lines, *_so_far(right), *inputs))
    return Verdict(Grade.RIGHT, (f"{count} cases agree with the package's own kernels",))


def _so_far(names: list[str]) -> tuple[str, ...]:
    return (f"right so far: {', '.join(names)}",) if names else ()


def _compare(case: Case, answer: object, right: list[str]) -> tuple[str, ...]:
    """Return the lines of the first difference, or none; add right arrays to ``right``; raise Unanswered."""
    for (name, expected), part in zip(case.expected.items(), _parts(case, answer)):
        if part is None or part is Ellipsis:
            blank = "None" if part is None else "..."
            raise Unanswered(f"{case.function}: {name} is still a blank ({blank})", blank=True)
        lines = _difference(case, name, expected, _array(case, name, part))
        if lines:
            return lines
        right.append(name)
    return ()


def _parts(case: Case, answer: object) -> tuple[object, ...]:
    """Split the answer into one part for each expected array."""
    names = list(case.expected)
    if answer is None:
        raise Unanswered(f"{case.function} returns nothing: let it end with return {', '.join(names)}", blank=True)
    if len(names) == 1:
        return (answer,)
    if not isinstance(answer, (tuple, list)) or len(answer) != len(names):
        given = len(answer) if isinstance(answer, (tuple, list)) else "one object"
        raise Unanswered(f"{case.function} should return {len(names)} arrays, {', '.join(names)}; it gave {given}",
                         blank=answer is Ellipsis)
    return tuple(answer)


def _array(case: Case, name: str, part: object) -> np.ndarray:
    try:
        found = np.asarray(part)
    except Exception:                                                    # such as rows of different lengths
        found = np.asarray(None)
    if found.dtype.kind not in "biuf":
        shown = " ".join(repr(part).split())[:80]
        raise Unanswered(f"{case.function}: {name} is not an array of real numbers but a {type(part).__name__}: "
                         f"{shown}")
    return found


def _difference(case: Case, name: str, expected: np.ndarray, found: np.ndarray) -> tuple[str, ...]:
    """Return what is wrong with one array, and a hint; nothing if it is right."""
    place = f"{case.function}: {name}"
    if found.shape != expected.shape:
        return (f"{place} has shape {found.shape}, expected {expected.shape}", f"hint: {case.hints[name]}")
    real, given = expected.astype(np.float64), found.astype(np.float64)
    differs = ~np.isclose(given, real, rtol=case.tolerance, atol=case.tolerance)
    if not differs.any():
        return ()
    first = tuple(int(i) for i in np.argwhere(differs)[0])
    hint = guess(real, given) if expected.dtype.kind == "f" else None
    found_there, expected_there = (_number(array[first], case.tolerance) for array in (found, expected))
    return (f"{place}, shape {found.shape} as expected, differs in {differs.sum()} of {found.size} numbers",
            f"the first is {name}{list(first) if first else ''}: found {found_there}, expected {expected_there}",
            f"hint: {hint or case.hints[name]}")


def _number(value: np.generic, tolerance: float) -> str:
    digits = 7 if tolerance > EXACT else 10
    return str(value) if isinstance(value, np.bool_) else f"{value:.{digits}g}"


def _inputs(case: Case) -> tuple[str, ...]:
    """Return the case, if it is small enough to be worked out by hand, or else its shapes."""
    arguments = {name: np.asarray(value) for name, value in case.arguments.items()}
    small = sum(value.size for value in arguments.values()) <= SHOWN
    return ("the case:", *(f"    {name} = {value.tolist()}" if small or not value.ndim else
                           f"    {name}: shape {value.shape}" for name, value in arguments.items()))
