"""The run that ``train --overwrite`` replaces: its files are in a subfolder until the new run begins.

If the new run is refused they are put back.  If its process is killed before its first checkpoint is written, the next
one that opens the folder puts them back.  That checkpoint deletes them; on a full disk they are deleted before it.
"""

import os
import shutil
from pathlib import Path
from typing import Iterable

ASIDE = ".replaced"
DISCARDED = ".replaced.tmp"    # once the new run has begun, until its first checkpoint
MEMORY = "replay.bin"
NEW = "best.npz", "curve.png", "evaluations.csv"     # what the new run may have made before its first checkpoint


def put_aside(folder: Path, names: Iterable[str]) -> None:
    """Move these files of ``folder`` to the subfolder: all, or none and raise OSError."""
    (folder / ASIDE).mkdir()
    try:
        for name in sorted(names, key=lambda name: name != MEMORY):      # first: see put_back
            os.replace(folder / name, folder / ASIDE / name)
    except OSError:
        put_back(folder)
        raise


def put_back(folder: Path, aside: str = ASIDE) -> bool:
    """Move the files back, over those of the new run; return True if there were any.  Raises OSError."""
    held = folder / aside
    if not held.is_dir() or held.is_symlink():
        return False
    if (held / "config.json").exists() and not (held / MEMORY).exists():
        (folder / MEMORY).unlink(missing_ok=True)                        # the new run's: the old one has none
    for path in sorted(held.iterdir()):
        os.replace(path, folder / path.name)
    held.rmdir()
    return True


def discard(folder: Path) -> None:
    """Have the files deleted, if there are any, by ``remove_discarded``.  Raises OSError; then they stay."""
    if (folder / ASIDE).is_dir():
        os.rename(folder / ASIDE, folder / DISCARDED)


def undo(folder: Path) -> bool:
    """Put the files back, also if ``discard`` was called and ``remove_discarded`` was not; True if so; or OSError."""
    if put_back(folder):
        return True
    if (folder / DISCARDED / "config.json").exists():
        for name in NEW:
            (folder / name).unlink(missing_ok=True)
    return put_back(folder, DISCARDED)


def remove_discarded(folder: Path) -> bool:
    """Delete what ``discard`` has left, or what a killed process did not finish to delete; True if there was any."""
    found = (folder / DISCARDED).exists()
    shutil.rmtree(folder / DISCARDED, ignore_errors=True)
    return found
