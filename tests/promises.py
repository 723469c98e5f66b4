"""Promises in seconds, kept on a machine that has other things to do, is slow, or stands still for a while."""

import functools
import time

PATIENCE = 120.0               # seconds until what has to come counts as never coming; nobody promised less
ATTEMPTS = 5


class Late(AssertionError):
    """A promise in seconds was not kept: by the program, or by a machine that was busy."""


def within(seconds, since):
    """Promise that what has just come took less than that."""
    took = time.monotonic() - since
    if took >= seconds:
        raise Late(f"took {took:.2f} s, promised are {seconds:g}")


def until(condition, seconds=PATIENCE, every=0.02, error=AssertionError):
    """The first true value of ``condition()``; ``error=Late`` where the seconds are promised."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() >= deadline:
            raise error(f"it has not come within {seconds:g} s")
        time.sleep(every)
    return value


def undisturbed(test):
    """A promise in seconds holds if it holds once in ATTEMPTS: what came late before was another program's doing.

    Only ``Late`` is tried again, in a folder of its own; everything else that the test asserts holds each time.
    """
    @functools.wraps(test)
    def attempts(tmp_path, **parameters):
        for left in reversed(range(ATTEMPTS)):
            folder = tmp_path / f"{left}-left"
            folder.mkdir()
            try:
                return test(tmp_path=folder, **parameters)
            except Late:
                if not left:
                    raise
    return attempts
