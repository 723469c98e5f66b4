"""The user's folder for files that can be made again."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return this package's folder among the user's caches; it need not exist.  Raise OSError without a home folder.

    Linux: $XDG_CACHE_HOME or ~/.cache; macOS: ~/Library/Caches; Windows: %LOCALAPPDATA%.
    """
    package = __name__.split(".")[0]
    given = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if Path(given).is_absolute():                                        # others are to be ignored, says the standard
        return Path(given) / package
    try:
        home = Path.home()
    except RuntimeError as error:
        raise OSError(f"no cache folder: {error}") from None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / package
