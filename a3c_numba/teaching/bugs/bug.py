"""A bug as a patch: some lines of one function are replaced by others.

The patch is applied to the function's own source, in memory, and the function is restored afterwards.  So the diff in
the answer is the bug itself; if the package's lines change, the patch no longer applies and an error says so.
"""

import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from types import FunctionType
from typing import Any, Iterator

PACKAGE = __package__.partition(".")[0]


@dataclass(frozen=True)
class Bug:
    """Replaces the ``old`` lines of ``function`` by the ``new`` ones; holds only strings, so it can be pickled.

    Attributes:
        module, function: the place, such as "rollout" and "RolloutCollector._begin".
        old, new: whole lines of its body, without indentation; ``old`` without comments.
    """

    module: str
    function: str
    old: str
    new: str

    @contextmanager
    def injected(self) -> Iterator[None]:
        """Inject the bug into this process within ``with``.  Raise ValueError if the function has no such lines."""
        *path, name = self.function.split(".")
        home: Any = reduce(getattr, path, import_module(f"{PACKAGE}.{self.module}"))
        healthy = vars(home)[name]
        namespace: dict[str, FunctionType] = {}
        code = compile(self._source(healthy), f"<{PACKAGE}.{self.module} with a bug>", "exec")
        exec(code, healthy.__globals__, namespace)
        setattr(home, name, namespace[name])
        try:
            yield
        finally:
            setattr(home, name, healthy)

    def _source(self, healthy: FunctionType) -> str:
        before = textwrap.dedent(inspect.getsource(healthy)).splitlines()
        bare = [line.partition("  #")[0].strip() for line in before]     # as in ``old``: no indentation, no comment
        old = self.old.splitlines()
        places = [i for i in range(len(before)) if bare[i:i + len(old)] == old]
        if len(places) != 1 or not old:
            raise ValueError(f"{self.function} of {self.module}.py no longer has the lines that this bug changes")
        start = places[0]
        margin = before[start][:len(before[start]) - len(before[start].lstrip())]
        return "\n".join([*before[:start], *(margin + line for line in self.new.splitlines()),
                          *before[start + len(old):]])

    def diff(self) -> str:
        """Return the bug as a diff."""
        removed, added = (textwrap.indent(lines, sign) for lines, sign in ((self.old, "-   "), (self.new, "+   ")))
        return "\n".join(filter(None, [f"{PACKAGE}/{self.module.replace('.', '/')}.py, {self.function}", removed,
                                       added]))
