"""Runs what a learner wrote, and says what went wrong there in a line or two of their own file.

The file is run as it stands, each time anew, under another name than ``__main__``: what it does when it is run alone is
left out.  Endless loops end with Ctrl-C.
"""

import copy
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from .case import Case


class Unanswered(Exception):
    """The file gives no answer that could be compared.

    ``blank``: it has not been filled in yet.  ``case``: what its function was given when it failed, if it did.
    """

    def __init__(self, *lines: str, blank: bool = False, case: Case | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.blank, self.case = lines, blank, case


class LearnerFile:
    """A file of functions."""

    def __init__(self, path: Path) -> None:
        """Run ``path``; raises Unanswered where that fails, and OSError where it cannot be read."""
        self.path = path
        self.names: dict[str, Any] = {"__name__": "exercise", "__file__": str(path)}
        source = path.read_bytes()
        self.source = source.decode(errors="replace").splitlines()
        try:
            exec(compile(source, str(path), "exec", dont_inherit=True), self.names)
        except KeyboardInterrupt:
            raise
        except BaseException as error:                                   # also SystemExit, and what it may have made up
            raise self._trouble(error) from None

    def answer(self, case: Case) -> Any:
        """What the function gives for the case; raises Unanswered."""
        call = f"{case.function}({', '.join(case.arguments)})"
        function = self.names.get(case.function)
        if not callable(function):
            raise Unanswered(f"{self.path} has no function {call}")
        try:
            with np.errstate(all="ignore"):
                return function(*copy.deepcopy(list(case.arguments.values())))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._line(error) is None:                                # not in the file: it never got there
                raise Unanswered(f"{self.path} cannot be asked for {call}: {_said(error)}") from None
            raise self._trouble(error, case) from None

    def _trouble(self, error: BaseException, case: Case | None = None) -> Unanswered:
        number = self._line(error)
        where = str(self.path) if number is None else f"{self.path}, line {number}"
        if isinstance(error, NotImplementedError):
            return Unanswered(f"{where} is still a blank: write your own in its place", blank=True)
        if "ellipsis" in str(error).lower():
            return Unanswered(f"{where} meets a blank (...) that is not filled in yet", blank=True)
        text = number and number <= len(self.source) and self.source[number - 1].strip()
        return Unanswered(f"{where}: {text}" if text else where, _said(error), case=case)

    def _line(self, error: BaseException) -> int | None:
        """Where in the file it happened: the innermost line of it that was running."""
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            return error.lineno
        frames = traceback.walk_tb(error.__traceback__)
        numbers = [number for frame, number in frames if frame.f_code.co_filename == str(self.path)]
        return numbers[-1] if numbers else None


def _said(error: BaseException) -> str:
    """What the error is and says, in one line."""
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(what.split())}".removesuffix(": ")
