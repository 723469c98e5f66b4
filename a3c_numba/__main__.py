"""``python -m a3c_numba``, the same as ``a3c-numba``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
