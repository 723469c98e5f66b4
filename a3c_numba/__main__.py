"""``python -m a3c_numba``, the same as ``a3c-numba``; imports nothing heavy before Ctrl-C is understood."""

import signal
import sys

from .system.threads import use_one_thread


def main() -> int:
    """The command line's ``main``, quiet also when Ctrl-C comes while the packages are still being imported.

    Then it ends the process at once: an import of NumPy may turn KeyboardInterrupt into an ImportError.
    """
    use_one_thread()                                                     # before NumPy is imported
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from .cli.main import main as run
    finally:
        signal.signal(signal.SIGINT, handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
