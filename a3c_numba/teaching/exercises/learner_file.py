"""Runs a learner's file, and reports its errors by the line of that file.

The file is executed anew each time, under another name than ``__main__``, so its last lines, which run it alone, are
skipped.  Ctrl-C ends an endless loop.
"""

import copy
import traceback
from pathlib import Path

import numpy as np

from .case import Case


class NotRight(Exception):
    """Raised if the file gives a wrong answer, or none that could be compared.

    ``blank``: True if it has not been filled in yet.  ``case``: the one that shows what is wrong, if one does.
    """

    def __init__(self, *lines: str, blank: bool = False, case: Case | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.blank, self.case = lines, blank, case


class LearnerFile:
    """Executes a learner's file, and calls its functions."""

    def __init__(self, path: Path) -> None:
        """Run ``path``; raise NotRight if that fails, and OSError if it cannot be read."""
        self.path = path
        self.names: dict[str, object] = {"__name__": "exercise", "__file__": str(path)}
        source = path.read_bytes()
        self.source = source.decode(errors="replace").splitlines()
        try:
            exec(compile(source, str(path), "exec", dont_inherit=True), self.names)
        except KeyboardInterrupt:
            raise
        except BaseException as error:                                   # also SystemExit, or a class of its own
            raise self._trouble(error) from None

    def answer(self, case: Case) -> object:
        """Return the function's answer for the case; raise NotRight."""
        call = f"{case.function}({', '.join(case.arguments)})"
        function = self.names.get(case.function)
        if not callable(function):
            raise NotRight(f"{self.path} has no function {call}")
        try:
            with np.errstate(all="ignore"):
                return function(*copy.deepcopy(list(case.arguments.values())))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._line(error) is None:                                # not raised in the file
                raise NotRight(f"{self.path}: cannot call {call}: {_said(error)}") from None
            raise self._trouble(error, case) from None

    def _trouble(self, error: BaseException, case: Case | None = None) -> NotRight:
        number = self._line(error)
        where = str(self.path) if number is None else f"{self.path}, line {number}"
        if isinstance(error, NotImplementedError):
            return NotRight(f"{where} is still a blank: write your own lines in its place", blank=True)
        if "ellipsis" in str(error).lower():
            return NotRight(f"{where} uses a blank (...) that is not filled in yet", blank=True)
        text = number and number <= len(self.source) and self.source[number - 1].strip()
        return NotRight(f"{where}: {text}" if text else where, _said(error), case=case)

    def _line(self, error: BaseException) -> int | None:
        """Return the number of the innermost line of the file that was running, or None."""
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            return error.lineno
        frames = traceback.walk_tb(error.__traceback__)
        numbers = [number for frame, number in frames if frame.f_code.co_filename == str(self.path)]
        return numbers[-1] if numbers else None


def _said(error: BaseException) -> str:
    """Return the error's type and message in one line."""
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(what.split())}".removesuffix(": ")
