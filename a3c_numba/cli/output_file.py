"""The check, before a command starts its work, that the named output file can be written."""

import os
from pathlib import Path

from ..plots.canvas import load_cv2


def writable(path: Path, kind: str = "", *suffixes: str) -> Path:
    """Return ``path``; raise ValueError if it cannot be written, or if a file of this ``kind`` ends otherwise.

    ``writable(Path("a.png"), "a picture", ".png", ".jpg")``; without suffixes any name is accepted.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {kind} to {path}: its name should end in {' or '.join(suffixes)}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write to {path}")
    return path


def writable_picture(path: Path) -> Path:
    """Return ``path``; raise ValueError if no picture can be written to it, PicturesUnavailable without OpenCV."""
    writable(path, "a picture", ".png", ".jpg")
    load_cv2()
    return path
