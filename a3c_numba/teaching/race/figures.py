"""The race for theta, made visible: who read when, who wrote when, and what came of it.

    staleness    of an update: how many updates of others have their middle between the moment at which its worker
                 had copied theta' and the middle of its own write: its gradient is of a theta so many updates old.
    overlapped   writes during which somebody else wrote, too.  Only these can lose an addition: a number is lost where
                 one worker reads it after another has read it and before that one has written it.  That lasts for
                 nanoseconds, unless the system puts the worker aside in between: then the few numbers that it holds in
                 its registers are written back as they were long ago, and all that others added to them is gone.
    lost         additions that a tally, written right behind theta by the same kernel, misses in the end, element by
                 element.  It is measured, of the tally; of theta itself it cannot be.

``a3c-numba race`` records a moment for each of several numbers of workers, prints a table, and draws the picture.  The
times are of the optimiser's whole call, of which the first part, the gradient's norm, writes nothing yet; the clock and
the tally take some microseconds of each update.
"""

import csv
from pathlib import Path
from typing import Any, Iterable, NamedTuple

import numpy as np

from ...plots.lanes import Moment
from .recorder import COLUMNS, Recording

TIMES = ("read", "play_begin", "play_end", "write_begin", "write_end")


class Figures(NamedTuple):
    """One number of workers in short; shares are from 0 to 1."""

    workers: int
    updates: int
    updates_per_second: float
    mean_staleness: float
    largest_staleness: int
    overlapped: float
    lost: float                # of the mean element
    lost_at_worst: float       # of the element that lost most


def staleness(recording: Recording) -> np.ndarray:
    """How many updates of others lie between each update's read and its write (updates,)."""
    middle = (recording.column("write_begin") + recording.column("write_end")) / 2
    ordered = np.sort(middle)
    return np.searchsorted(ordered, middle, "left") - np.searchsorted(ordered, recording.column("read"), "right")


def overlaps(recording: Recording) -> np.ndarray:
    """During each update's write, how many others wrote, too (updates,)."""
    begin, end = recording.column("write_begin"), recording.column("write_end")
    begun, over = np.searchsorted(np.sort(begin), end, "left"), np.searchsorted(np.sort(end), begin, "right")
    return begun - over - 1


def figures(recording: Recording) -> Figures:
    """A recording in short; raises ValueError where it has no update."""
    updates = len(recording.rows)
    if not updates:
        raise ValueError(f"no update of {recording.workers} workers in {recording.seconds:g} s: give more --seconds")
    stale, share = staleness(recording), recording.lost / updates
    return Figures(recording.workers, updates, updates / recording.seconds, float(stale.mean()), int(stale.max()),
                   float((overlaps(recording) > 0).mean()), float(share.mean()), float(share.max()))


def table(rows: list[Figures]) -> str:
    """The figures, for people."""
    head = (f"{'workers':>7}{'updates':>9}{'updates/s':>11}{'staleness':>11}{'at most':>9}{'overlapped':>12}"
            f"{'lost':>11}{'worst element':>15}")
    lines = [f"{row.workers:7d}{row.updates:9d}{row.updates_per_second:11.0f}{row.mean_staleness:11.2f}"
             f"{row.largest_staleness:9d}{row.overlapped:12.2%}{row.lost:11.5%}{row.lost_at_worst:15.3%}"
             for row in rows]
    return "\n".join([head, *lines])


def moment_of(recording: Recording, title: str) -> Moment:
    """What is drawn of a recording: milliseconds from its beginning."""
    read, play_begin, play_end, write_begin, write_end = (
        (recording.column(name) - recording.begin) / 1e6 for name in TIMES)
    return Moment(title, recording.column("worker"), read, play_begin, play_end, write_begin, write_end,
                  staleness(recording), overlaps(recording))


def write_tables(recordings: list[Recording], out: Path) -> list[Path]:
    """The picture's numbers beside it: every update, what every element lost, and the figures."""
    paths = [out.with_suffix(".csv"), *(out.with_name(f"{out.stem}-{name}.csv") for name in ("elements", "workers"))]
    _write(paths[0], ("workers", *COLUMNS, "staleness", "overlaps"), _updates(recordings))
    lost = np.stack([recording.lost for recording in recordings], axis=1)
    _write(paths[1], ("element", *(f"lost_by_{recording.workers}" for recording in recordings)),
           ([element, *row] for element, row in enumerate(lost.tolist())))
    _write(paths[2], Figures._fields, map(figures, recordings))
    return paths


def _updates(recordings: list[Recording]) -> Iterable[list[int]]:
    """A line for each update; times in ns from the recording's beginning."""
    for recording in recordings:
        rows = recording.rows.copy()
        for name in TIMES:
            rows[:, COLUMNS.index(name)] -= recording.begin
        for row, stale, overlap in zip(rows.tolist(), staleness(recording), overlaps(recording)):
            yield [recording.workers, *row, int(stale), int(overlap)]


def _write(path: Path, head: Iterable[str], rows: Iterable[Any]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
