"""The number of processor cores that this process may use: in a container or a batch job fewer than there are."""

import contextlib
import os
from pathlib import Path
from typing import Iterator

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Return the cores of this process's affinity mask, or the whole cores of its cgroup's quota if that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *map(int, quotas())]))


def quotas() -> Iterator[float]:
    """Yield the cores that each cgroup of this process allows, of version 2 and of version 1's cpu controller."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:                                                      # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS / "cpu" if controllers else CGROUPS
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if not folder.is_relative_to(root):
                break
            with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
                if controllers:
                    quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
                else:                                                    # microseconds; "max period" is no number
                    quota, period = map(int, (folder / "cpu.max").read_text().split())
                if quota > 0:                                            # version 1 has -1 for none
                    yield quota / period
