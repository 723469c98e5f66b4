"""``python -m a3c_numba``, the same as ``a3c-numba``; imports nothing heavy before Ctrl-C is understood."""

import sys

from .system.threads import use_one_thread


def main() -> int:
    """The command line's ``main``, quiet also when Ctrl-C comes while the packages are still being imported."""
    use_one_thread()                                                     # before NumPy is imported
    try:
        from .cli.main import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
