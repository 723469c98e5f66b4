"""The run that ``train --overwrite`` replaces: its files are in a subfolder until the new run begins.

If the new run is refused they are put back.  If its process is killed before, the next one that opens the folder does.
"""

import os
import shutil
from pathlib import Path
from typing import Iterable

ASIDE = ".replaced"
DISCARDED = ".replaced.tmp"    # while its files are deleted


def put_aside(folder: Path, names: Iterable[str]) -> None:
    """Move these files of ``folder`` to the subfolder: all, or none and raise OSError."""
    (folder / ASIDE).mkdir()
    try:
        for name in names:
            os.replace(folder / name, folder / ASIDE / name)
    except OSError:
        put_back(folder)
        raise


def put_back(folder: Path) -> bool:
    """Move the files back, over those of the new run; return True if there were any.  Raises OSError."""
    aside = folder / ASIDE
    if not aside.is_dir() or aside.is_symlink():
        return False
    for path in sorted(aside.iterdir()):
        os.replace(path, folder / path.name)
    aside.rmdir()
    return True


def discard(folder: Path) -> None:
    """Delete the files, if there are any.  Raises OSError; then they can still be put back."""
    if (folder / ASIDE).is_dir():
        os.rename(folder / ASIDE, folder / DISCARDED)
        remove_discarded(folder)


def remove_discarded(folder: Path) -> None:
    """Delete what a killed process did not finish to delete."""
    shutil.rmtree(folder / DISCARDED, ignore_errors=True)
