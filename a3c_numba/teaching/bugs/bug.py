"""A bug as what it is in a repository: a few lines of one function, taken out and others put in.

The bug is applied to the function's own source, in memory, and the function is put back afterwards.  So the diff that
the answer shows is the bug itself, not a picture of it; and where the package's lines change, the bug no longer
applies and says so.
"""

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import Any, Iterator

PACKAGE = __package__.partition(".")[0]


@dataclass(frozen=True)
class Bug:
    """``old`` lines of ``function`` become ``new`` ones; only strings, so that a process can be handed it.

    Attributes:
        module, function: where, as "rollout" and "Player._begin".
        old, new: whole lines of its body, without margins; ``old`` without comments too.
    """

    module: str
    function: str
    old: str
    new: str

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Within ``with``, this process has the bug.  Raises ValueError where the function has no such lines."""
        *path, name = self.function.split(".")
        home: Any = reduce(getattr, path, import_module(f"{PACKAGE}.{self.module}"))
        healthy = vars(home)[name]
        setattr(home, name, self.broken(healthy))
        try:
            yield
        finally:
            setattr(home, name, healthy)

    def broken(self, healthy: Any) -> Any:
        """The function with the bug, in the same module."""
        namespace: dict[str, Any] = {}
        code = compile(self._source(healthy), f"<{PACKAGE}.{self.module} with a bug>", "exec")
        exec(code, healthy.__globals__, namespace)
        return namespace[healthy.__name__]

    def _source(self, healthy: Any) -> str:
        before = textwrap.dedent(inspect.getsource(healthy)).splitlines()
        old = self.old.splitlines()
        places = [i for i in range(len(before)) if [_code(line) for line in before[i:i + len(old)]] == old]
        if len(places) != 1 or not old:
            raise ValueError(f"{self.function} of {self.module}.py no longer has the lines that this bug is made in")
        start = places[0]
        margin = before[start][:len(before[start]) - len(before[start].lstrip())]
        return "\n".join([*before[:start], *(margin + line for line in self.new.splitlines()),
                          *before[start + len(old):]])

    def diff(self) -> str:
        """The bug, as a reviewer would see it."""
        removed, added = (textwrap.indent(lines, sign) for lines, sign in ((self.old, "-   "), (self.new, "+   ")))
        return "\n".join(filter(None, [f"{PACKAGE}/{self.module.replace('.', '/')}.py, {self.function}", removed,
                                       added]))


def _code(line: str) -> str:
    """A line of ``old`` as it is written there: no margin, no comment."""
    return line.partition("  #")[0].strip()
