"""Importing the package, and using it, changes nothing outside it: what a program has set stays as it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json, locale, logging, multiprocessing, os, pkgutil, random, signal, sys, warnings
from importlib import import_module
import ale_py, gymnasium, numba, numpy
try:
    import cv2
except ImportError:
    pass
logging.getLogger().setLevel(logging.DEBUG)

class Listener(logging.Handler):
    names = []
    def emit(self, record):
        self.names.append(record.name)

logging.getLogger().addHandler(Listener())

def surroundings():
    loggers = {name: (logger.level, len(logger.handlers), logger.propagate)
               for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)}
    return {
        "environment": dict(os.environ), "folder": os.getcwd(), "path": list(sys.path), "hook": repr(sys.excepthook),
        "loggers": {name: state for name, state in loggers.items() if state != (0, 0, True)},
        "root": (logging.root.level, len(logging.root.handlers)),
        "signals": [repr(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), "warnings": repr(warnings.filters),
        "start method": multiprocessing.get_start_method(allow_none=True), "numpy errors": numpy.geterr(),
        "print options": repr(numpy.get_printoptions()), "random": hash(random.getstate()),
        "numpy random": repr(numpy.random.get_state()), "locale": locale.setlocale(locale.LC_ALL),
        "numba": {name: repr(value) for name, value in vars(numba.config).items() if name.isupper()},
        "digits": sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else 0,
        "recursion": sys.getrecursionlimit(), "streams": [repr(sys.stdout), repr(sys.stderr)]}

before = surroundings()
import a3c_numba
for module in pkgutil.walk_packages(a3c_numba.__path__, "a3c_numba."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
imported = surroundings()
agent = a3c_numba.Agent("Corridor", workers=1).learn(300)
agent.evaluate(episodes=2)
used = surroundings()
changed = [[name for name in before if before[name] != later[name]] for later in (imported, used)]
assert "ray" not in sys.modules
print(json.dumps([*changed, sorted(set(name.split(".")[0] for name in Listener.names))]))
"""


@pytest.mark.long
def test_importing_and_using_the_package_changes_nothing(tmp_path):
    """Environment, logging, signals, warnings, random streams ...; Numba compiles without its debugging lines."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, text=True, capture_output=True, timeout=240,
                           env=environment | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "cache")})
    assert ended.returncode == 0, ended.stderr
    imported, used, logged = json.loads(ended.stdout.splitlines()[-1])
    assert imported == [] and used == [] and "numba" not in logged
