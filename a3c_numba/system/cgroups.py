"""The control groups of this process on Linux: what a container or a batch job limits it to."""

import contextlib
from pathlib import Path
from typing import Iterator

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def texts(controller: str, version_1: str, version_2: str) -> Iterator[str]:
    """Yield the content of a controller's file in each group that this process is in, from the innermost outwards.

    ``version_1`` and ``version_2`` are the file's names in the two versions of control groups; several, separated by
    spaces, are read as one text.  A file that cannot be read is left out: on other systems there is none.
    """
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:                                                      # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CGROUPS / controller if controllers else CGROUPS
        names = (version_1 if controllers else version_2).split()
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if not folder.is_relative_to(root):
                break
            with contextlib.suppress(OSError):
                yield " ".join((folder / name).read_text() for name in names)


def least(controller: str, version_1: str, version_2: str) -> int | None:
    """Return the least of the numbers in these files, or None if there is none: "max" is no number."""
    found = [int(text) for text in texts(controller, version_1, version_2) if text.strip().isdecimal()]
    return min(found, default=None)
