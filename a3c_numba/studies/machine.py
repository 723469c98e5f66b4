"""Measure the machine: its processor's name, its best matrix product, and the memory of processes."""

import platform
import time
from pathlib import Path

import numpy as np

from ..system.child_process import WorkerProcess


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def sgemm_peak(n: int = 768) -> float:
    """Return the operations per second of numpy's float32 matrix product on one core, the best of several."""
    a = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
    out = np.empty_like(a)
    durations = []
    for _ in range(30):
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        durations.append(time.perf_counter() - start)
    return 2 * n**3 / min(durations)


def proportional_memory(processes: list[WorkerProcess]) -> str:
    """Return the processes' mean proportional set size, in which shared pages are divided among their users.

    Returns "" if the system does not tell.
    """
    try:
        texts = [Path(f"/proc/{process.pid}/smaps_rollup").read_text() for process in processes]
        kilobytes = [int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith("Pss:")]
        return f"{sum(kilobytes) / len(kilobytes) / 1024:.0f} MB a worker"
    except (OSError, ZeroDivisionError):
        return ""
