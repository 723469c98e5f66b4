"""Defer Ctrl-C, SIGTERM and SIGHUP while workers run: the first waits for an orderly end, the second acts at once."""

import os
import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Callable, ClassVar, Iterator

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class DeferredSignals:
    """Within ``with``, ``received`` is the first signal received, or None.

    At the end of the block the signal is raised again for its former handler, usually KeyboardInterrupt.  A second
    signal is raised again immediately.  Ignored signals stay ignored; outside the main thread nothing changes.
    """

    active: ClassVar["list[DeferredSignals]"] = []       # within ``with``

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> "DeferredSignals":
        if threading.current_thread() is threading.main_thread():
            handled = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._before = {number: signal.signal(number, self._note) for number in handled}
        self.active.append(self)
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

    def __exit__(self, *_: object) -> None:
        self.active.remove(self)
        handled = bool(self._before)
        self._restore()
        if handled and self.received:
            signal.raise_signal(self.received)


def signal_name(number: int) -> str:
    """Return SIGKILL for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:                                                   # a real-time signal
        return f"signal {number}"


def ignore_signals_in_worker() -> None:
    """Ignore SIGNALS in a worker.  They reach the whole process group; only the main process handles them.

    Programs that it starts, and its forks, have neither a mask nor an ignored SIGTERM, and so can be terminated, as
    multiprocessing.Pool does and waits for.  They ignore Ctrl-C unless they handle it: their environment closes them
    once the worker has finished its rollout.
    """
    handled = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in SIGNALS[1:]:
        if signal.getsignal(number) != signal.SIG_IGN:                   # nohup's is inherited, too
            signal.signal(number, lambda *_: None)                       # a handler; exec makes it the default again
            handled.append(number)
            if hasattr(signal, "siginterrupt"):
                signal.siginterrupt(number, False)                       # C's system calls go on
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if hasattr(os, "register_at_fork"):
        _forks_have_default_signals(handled)


def _forks_have_default_signals(numbers: list[int]) -> None:
    """Give these signals their default action in every fork of this process, from its first moment on."""
    mask = threading.local()                                             # of the thread that forks, as it was before

    def block() -> None:
        mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def restore() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask.before)

    def reset() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        restore()

    os.register_at_fork(before=block, after_in_parent=restore, after_in_child=reset)


def signal_pending() -> bool:
    """True if one of SIGNALS, not counting ignored ones, is pending in ``block_signals``, or was deferred.

    The system may deliver a signal to another thread, which has not blocked it: then it is deferred.
    """
    pending = signal.sigpending().intersection(SIGNALS)
    return (any(deferred.received for deferred in DeferredSignals.active)
            or any(signal.getsignal(number) != signal.SIG_IGN for number in pending))


@contextmanager
def block_signals() -> Iterator[None]:
    """Block SIGNALS until the end of the block; a process started within unblocks them itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
