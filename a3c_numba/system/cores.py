"""The number of processor cores that this process may use: in a container or a batch job fewer than there are."""

import contextlib
import os
from typing import Iterator

from .cgroups import texts


def available_cores() -> int:
    """Return the cores of this process's affinity mask, or the whole cores of its cgroup's quota if that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *map(int, quotas())]))


def quotas() -> Iterator[float]:
    """Yield the cores that each cgroup of this process allows, of version 2 and of version 1's cpu controller."""
    for text in texts("cpu", "cpu.cfs_quota_us cpu.cfs_period_us", "cpu.max"):
        with contextlib.suppress(ValueError, ZeroDivisionError):
            quota, period = map(int, text.split())                       # microseconds; "max period" is no number
            if quota > 0:                                                # version 1 has -1 for none
                yield quota / period
