"""Ctrl-C, SIGTERM, a closed terminal while workers run: the first waits until all is safe, the second acts at once."""

import signal
import threading
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any, Iterator

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class DeferredSignals:
    """Within ``with``, ``received`` is the first signal that has come, or None.

    When the block is left the signal is raised again, for whoever heeded it before: KeyboardInterrupt, as a rule.  A
    second signal does so where it comes, whatever is going on.  Signals that were ignored stay ignored; in a thread
    other than the main one nothing is changed.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "DeferredSignals":
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._before = {number: signal.signal(number, self._note) for number in heeded}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = number
        else:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def __exit__(self, *_: Any) -> None:
        heeded = bool(self._before)
        self._restore()
        if heeded and self.received:
            signal.raise_signal(self.received)


def ignore_signals_in_worker() -> None:
    """What a process does that was started within ``block_signals``: SIGNALS, which reach a whole group, mean nothing.

    Programs that it starts inherit neither a mask nor an ignored SIGTERM, and so can be terminated.  Ctrl-C they
    ignore, unless they ask for it: their environment ends them, once the worker has finished its rollout.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in SIGNALS[1:]:
        if signal.getsignal(number) != signal.SIG_IGN:                   # nohup's is inherited, too
            signal.signal(number, lambda *_: None)                       # a handler; exec makes it the default again
            if hasattr(signal, "siginterrupt"):
                signal.siginterrupt(number, False)                       # C's system calls go on
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def signal_pending() -> bool:
    """Whether one of SIGNALS waits for the end of ``block_signals``; one that is ignored is none."""
    return any(signal.getsignal(number) != signal.SIG_IGN for number in signal.sigpending().intersection(SIGNALS))


@contextmanager
def block_signals() -> Iterator[None]:
    """SIGNALS wait until the block is left, and in a process that is started in it until it unblocks them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()                                    # or the start does it, and clears the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
