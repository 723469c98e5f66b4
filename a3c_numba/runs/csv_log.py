"""Read and append CSV tables: rows are appended whole or not at all, and truncated rows are skipped on reading.

Rows that cannot be written are kept for the next attempt; a table that cannot be read in full is copied first.
"""

import contextlib
import csv
import io
import math
import os
from pathlib import Path
from typing import Iterable, Sequence

from ..system import atomic_file
from .event_log import EventLog


def as_csv(rows: Iterable[Iterable[object]], nan: str = "", end: str = "\n") -> str:
    """Return rows as lines of CSV, numbers to nine digits; ``nan`` is the text of a missing number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)
    for row in rows:
        writer.writerow([(nan if math.isnan(x) else f"{x:.9g}") if isinstance(x, float) else x for x in row])
    return text.getvalue()


def encode_rows(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows in the format of a run's tables: "nan" for NaN, and the line ends of RFC 4180."""
    return as_csv(rows, "nan", "\r\n").encode(errors="backslashreplace")


def valid_rows(lines: list[list[str]], columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the lines that have a number in every column, and a whole number of at least 0 as the step, as rows."""
    rows = []
    for row in [dict(zip(columns, line)) for line in lines if len(line) == len(columns)]:
        with contextlib.suppress(ValueError):
            for cell in row.values():
                float(cell)
            if int(row.get("global_step", 0)) >= 0:
                rows.append(row)
    return rows


def append_whole(path: Path, rows: bytes, header: bytes) -> None:
    """Append all of the rows, or none and raise OSError; an empty file gets its header first.

    The rows begin on a new line, also after a truncated row.
    """
    with open(path, "ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        append_or_nothing(file, (_missing_end(file, size) if size else header) + rows, size)


def append_or_nothing(file: io.FileIO, content: bytes, size: int) -> None:
    """Write all of the content to the end of a file of ``size`` bytes, or nothing and raise OSError."""
    rest = content
    try:
        while rest:
            rest = rest[file.write(rest):]
    except OSError:
        file.truncate(size)
        raise


def _missing_end(file: io.FileIO, size: int) -> bytes:
    """Return what the last row lacks: "", or the end of its line, with a quote if a text was truncated."""
    file.seek(max(size - 2, 0))
    if file.read() == b"\r\n":                                           # not inside a quoted text
        return b""
    file.seek(0)
    row = file.read().rpartition(b"\r\n")[2]
    if row.count(b'"') % 2:
        return b'"\r\n'
    return b"" if row.endswith(b"\n") else b"\r\n"


class CsvLog:
    """The tables in a folder: file name -> columns.  Failures to read or write are logged to ``events``."""

    def __init__(self, folder: Path, columns: dict[str, tuple[str, ...]], events: EventLog) -> None:
        self.folder, self.columns, self.events = folder, columns, events
        self._waiting = {name: b"" for name in columns}                  # rows that are not on disk yet

    def append(self, name: str, rows: Iterable[Iterable[object]]) -> None:
        """Write pending rows and these.  Rows that cannot be written stay pending; one event says so."""
        late = {name for name, waiting in self._waiting.items() if waiting}
        self._waiting[name] += encode_rows(rows)
        for table in sorted(late | {name}):
            try:
                append_whole(self.folder / table, self._waiting[table], encode_rows([self.columns[table]]))
            except OSError as error:
                if table not in late:
                    self.events.add("not written", detail=f"cannot write {self.folder / table} ({error.strerror}): its "
                                                          "rows are kept until it can be written")
                continue
            self._waiting[table] = b""
            if table in late:
                self.events.add("written again", detail=f"{self.folder / table} is written again, no row is missing")

    def add_columns(self, name: str) -> None:
        """Add the columns that a table of an older version lacks, with empty cells.

        Leave any other table unchanged.  Raises OSError.
        """
        path, columns = self.folder / name, self.columns[name]
        if not path.exists():
            return
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            head = tuple(file.readline().rstrip("\r\n").split(","))
            if head != columns[:len(head)] or head == columns:
                return
            rows = list(csv.reader(line.replace("\0", "") for line in file))
        atomic_file.replace(path, encode_rows([columns, *([*row, *[""] * (len(columns) - len(row))] for row in rows)]))

    def truncate_after(self, name: str, needed: set[str], global_step: int) -> list[dict[str, str]]:
        """Drop the rows beyond ``global_step`` and unreadable ones; return the others.

        If anything was unreadable, keep a copy as NAME.damaged and log an event.  The replacement is atomic.  Raises
        OSError.
        """
        path, columns = self.folder / name, self.columns[name]
        rows, wrong = _read(path, columns, needed)
        rows = [row for row in rows if int(row["global_step"]) <= global_step]
        if wrong and path.exists():
            aside = atomic_file.unused_name(path, "damaged")
            atomic_file.link_or_copy(path, aside)
            wrong += f"; the original is kept as {aside.name}"
        kept = ([row.get(column, "nan") for column in columns] for row in rows)
        atomic_file.replace(path, encode_rows([columns, *kept]))
        if wrong:
            self.events.add("damaged", detail=f"{path} {wrong}")
        return rows


def _read(path: Path, columns: tuple[str, ...], needed: set[str]) -> tuple[list[dict[str, str]], str]:
    """Return the rows of a table and its faults, "" if there are none.

    A last line without an end is a truncated write: it is skipped and not counted.
    """
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return [], "was missing; a new table is started"
    found, *lines = [line.rstrip("\r").split(",") for line in text.split("\n")]
    if not set(found) & set(columns):
        return [], "has an invalid header; a new table is started"
    is_known = needed <= set(found) <= set(columns)
    rows = valid_rows(lines[:-1], found if is_known else columns)
    lost = len(lines[:-1]) - len(rows)
    wrong = ["has an invalid header"] * (not is_known)
    wrong += [f"has {lost} {'' if is_known else 'other '}unreadable lines, which are dropped"] * bool(lost)
    return rows, ", and ".join(wrong)
