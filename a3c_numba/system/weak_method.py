"""Methods handed to other objects without keeping their own object alive."""

import weakref
from typing import Any, Callable


def weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls a method whose object is alive, and is not kept alive by it.

    Two objects that hold each other stay until Python looks for cycles, and with them the shared memory they hold.
    """
    weak = weakref.WeakMethod(method)

    def call(*arguments: Any) -> Any:
        bound = weak()
        assert bound
        return bound(*arguments)
    return call
