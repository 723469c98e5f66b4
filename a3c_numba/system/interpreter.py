"""Start a new interpreter that imports what this process imports, and nothing else.

``python -c`` has the current folder in front of ``sys.path``, so that a file random.py there would be imported.
Here ``sys.path`` is this process's before the first import, and the package is read from this process's files.
"""

import subprocess
import sys

PACKAGE = sys.modules[__name__.partition(".")[0]]
BOOT = """
import sys
sys.path[:] = {path}
import importlib.util
spec = importlib.util.spec_from_file_location({name}, {file}, submodule_search_locations={folders})
sys.modules[{name}] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[{name}])
from {package}.system.threads import use_one_thread
use_one_thread()
from {package}.system import server_process
server_process.{call}
"""


def start_interpreter(call: str, descriptors: list[int]) -> "subprocess.Popen[bytes]":
    """Start an interpreter that makes a call to server_process.  Raises OSError."""
    name = PACKAGE.__name__
    code = BOOT.format(path=ascii(_import_path()), name=ascii(name), file=ascii(PACKAGE.__file__), package=name,
                       folders=ascii(list(PACKAGE.__path__)), call=call)
    return subprocess.Popen([sys.executable, *_options(), "-c", code], stdin=subprocess.DEVNULL, pass_fds=descriptors)


def _import_path() -> list[str]:
    """Return ``sys.path`` with the current folder, "", last.

    A console or a notebook has it first, but has already imported much of the standard library.  A worker has
    ``sys.path`` as it is, before it imports anything that the program names.
    """
    folders = [folder for folder in sys.path if isinstance(folder, str)]
    return sorted(folders, key=lambda folder: folder == "")


def _options() -> list[str]:
    """Return this interpreter's options that bear on how code is compiled and what is reported."""
    flags = {"-B": sys.flags.dont_write_bytecode, "-E": sys.flags.ignore_environment, "-s": sys.flags.no_user_site,
             "-P": sys.version_info >= (3, 11),                          # no folder in front of sys.path at all
             "-Xutf8": sys.flags.utf8_mode, "-" + "O" * sys.flags.optimize: sys.flags.optimize}
    return [*(option for option, given in flags.items() if given), *(f"-W{word}" for word in sys.warnoptions)]
