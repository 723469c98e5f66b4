"""The number of processor cores that this process may use: in a container or a batch job fewer than there are."""

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
            quota = _quota_v1(folder) if controllers else _quota_v2(folder)
            if quota is not None:
                yield quota


def _quota_v2(folder: Path) -> float | None:
    """Return the cores of ``cpu.max``: "quota period" in microseconds, or "max period"."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    """Return the cores of version 1's quota; a quota of -1 is none."""
    try:
        quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
