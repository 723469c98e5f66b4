"""``pytest -p tests.teaching.bugs.plugin`` with A3C_BUG=N in the environment: the suite on a package that has bug N.

The bug is there before the first test file is imported, and stays.
"""

import os

from a3c_numba.teaching.bugs import LESSONS

NUMBER = int(os.environ["A3C_BUG"])
if NUMBER:
    INJECTED = LESSONS[NUMBER - 1].bug.injected()
    INJECTED.__enter__()
