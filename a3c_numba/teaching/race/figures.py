"""Figures of a recording: when each worker read and wrote theta, and what was lost.

    staleness    of an update: the number of other workers' updates whose middle lies between the moment at which this
                 worker had copied theta' and the middle of its own write.  Its gradient is of a theta that is so many
                 updates old.
    overlapped   writes during which another worker wrote, too.  Only these can lose an addition: it is lost if a second
                 worker reads the number after the first has read it and before the first has written it.  That takes
                 nanoseconds, unless the system suspends the first worker in between: later it writes the few old
                 numbers in its registers, and all additions of the others to them are lost.
    lost         additions missing at the end from a tally that the same kernel writes right after theta, element by
                 element.  This is measured on the tally; on theta itself it cannot be measured.

``a3c-numba race`` records several numbers of workers, prints a table, and draws the picture.  The times are of the
optimiser's whole call; its first part, the gradient's norm, does not write.  The clock and the tally take some
microseconds of each update.
"""

import csv
from pathlib import Path
from typing import Iterable, NamedTuple

import numpy as np

from ...plots.race import Moment
from .recorder import COLUMNS, Recording

TIMES = ("read", "play_begin", "play_end", "write_begin", "write_end")


class Figures(NamedTuple):
    """The row of the table for one number of workers; shares are from 0 to 1."""

    workers: int
    updates: int
    updates_per_second: float
    mean_staleness: float
    largest_staleness: int
    overlapped: float
    lost: float                # share lost, mean over the elements
    lost_at_worst: float       # share lost by the element that lost most


def staleness(recording: Recording) -> np.ndarray:
    """Count the other workers' updates between each update's read and its write: (updates,)."""
    middle = (recording.column("write_begin") + recording.column("write_end")) / 2
    ordered = np.sort(middle)
    return np.searchsorted(ordered, middle, "left") - np.searchsorted(ordered, recording.column("read"), "right")


def overlaps(recording: Recording) -> np.ndarray:
    """Count the other writes that overlap with each update's write: (updates,)."""
    begin, end = recording.column("write_begin"), recording.column("write_end")
    begun, over = np.searchsorted(np.sort(begin), end, "left"), np.searchsorted(np.sort(end), begin, "right")
    return begun - over - 1


def figures(recording: Recording) -> Figures:
    """Summarise a recording; raise ValueError if it has no update."""
    updates = len(recording.rows)
    if not updates:
        raise ValueError(f"{recording.workers} workers made no update in {recording.seconds:g} s: give more --seconds")
    stale, share = staleness(recording), recording.lost / updates
    return Figures(recording.workers, updates, updates / recording.seconds, float(stale.mean()), int(stale.max()),
                   float((overlaps(recording) > 0).mean()), float(share.mean()), float(share.max()))


def table(rows: list[Figures]) -> str:
    """Format the figures as a table."""
    head = (f"{'workers':>7}{'updates':>9}{'updates/s':>11}{'staleness':>11}{'at most':>9}{'overlapped':>12}"
            f"{'lost':>11}{'worst element':>15}")
    lines = [f"{row.workers:7d}{row.updates:9d}{row.updates_per_second:11.0f}{row.mean_staleness:11.2f}"
             f"{row.largest_staleness:9d}{row.overlapped:12.2%}{row.lost:11.5%}{row.lost_at_worst:15.3%}"
             for row in rows]
    return "\n".join([head, *lines])


def moment_of(recording: Recording, title: str) -> Moment:
    """Return what the picture shows of a recording, in milliseconds from its start."""
    read, play_begin, play_end, write_begin, write_end = (
        (recording.column(name) - recording.begin) / 1e6 for name in TIMES)
    return Moment(title, recording.column("worker"), read, play_begin, play_end, write_begin, write_end,
                  staleness(recording), overlaps(recording))


def write_tables(recordings: list[Recording], out: Path) -> list[Path]:
    """Write three CSV files beside the picture: every update, the losses of every element, the figures."""
    paths = [out.with_suffix(".csv"), *(out.with_name(f"{out.stem}-{name}.csv") for name in ("elements", "workers"))]
    updates: list[list[int]] = []                                        # their times in ns from the recording's start
    for recording in recordings:
        rows = recording.rows.copy()
        rows[:, [COLUMNS.index(name) for name in TIMES]] -= recording.begin
        counts = np.column_stack([rows, staleness(recording), overlaps(recording)])
        updates += ([recording.workers, *row] for row in counts.tolist())
    _write(paths[0], ("workers", *COLUMNS, "staleness", "overlaps"), updates)
    lost = np.stack([recording.lost for recording in recordings], axis=1)
    _write(paths[1], ("element", *(f"lost_by_{recording.workers}" for recording in recordings)),
           ([element, *row] for element, row in enumerate(lost.tolist())))
    _write(paths[2], Figures._fields, map(figures, recordings))
    return paths


def _write(path: Path, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
