"""Paths as a user writes them."""

import os
from pathlib import Path


def user_path(path: str | Path) -> Path:
    """Return ``path``; a ~ or ~user in front becomes the home folder, as in a shell.

    Raise ValueError, in one line, if it cannot; a file that is really called ~ is ./~.
    """
    expanded = os.path.expanduser(path)
    if expanded == os.fspath(path) and expanded.split(os.sep)[0] == "~":
        raise ValueError(f"{path}: this user has no home folder; give the whole path, or ./~ for a file of that name")
    return Path(expanded)
