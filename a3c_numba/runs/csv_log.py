"""Tables as CSV files: rows as text, appended whole or not at all, and read back without those that were cut off.

What cannot be written waits, and what cannot be read is kept beside: no row is lost.
"""

import csv
import io
import math
import os
from pathlib import Path
from typing import Any, Iterable, Sequence

from ..system import atomic_file
from .event_log import EventLog


def as_csv(rows: Iterable[Iterable[Any]], nan: str = "", end: str = "\n") -> str:
    """Rows as lines of CSV, numbers to nine digits; ``nan`` stands for a number that is not there."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([_cell(x, nan) for x in row] for row in rows)
    return text.getvalue()


def _cell(x: Any, nan: str) -> Any:
    if not isinstance(x, float):
        return x
    return nan if math.isnan(x) else f"{x:.9g}"


def encode_rows(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as a run's tables have them: nan is a number like others, and a line ends as RFC 4180 has it."""
    return as_csv(rows, "nan", "\r\n").encode(errors="backslashreplace")


def valid_rows(lines: list[list[str]], columns: Sequence[str]) -> list[dict[str, str]]:
    """Of the lines of a table of numbers those that are rows: a number for each column."""
    rows = [dict(zip(columns, line)) for line in lines if len(line) == len(columns)]
    return [row for row in rows if _is_numbers(row)]


def _is_numbers(row: dict[str, str]) -> bool:
    """Whether every cell is a number, and the step one that a run can have come to."""
    try:
        for cell in row.values():
            float(cell)
        return int(row.get("global_step", 0)) >= 0
    except ValueError:
        return False


def append_whole(path: Path, rows: bytes, header: bytes) -> None:
    """All of the rows, or none of them and OSError; an empty file gets its header first.

    The rows begin on a line of their own, also after a row that was cut off while it was written.
    """
    with open(path, "ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        rest = (_missing_end(file, size) if size else header) + rows
        try:
            while rest:
                rest = rest[file.write(rest):]
        except OSError:
            file.truncate(size)
            raise


def _missing_end(file: io.FileIO, size: int) -> bytes:
    """What a table's last row lacks: nothing, or the end of its line, and of a text that is cut off the quote."""
    file.seek(max(size - 2, 0))
    if file.read() == b"\r\n":                                           # it ends no line within a text
        return b""
    file.seek(0)
    row = file.read().rpartition(b"\r\n")[2]
    if row.count(b'"') % 2:
        return b'"\r\n'
    return b"" if row.endswith(b"\n") else b"\r\n"


class CsvLog:
    """The tables in a folder: file name -> columns; ``events`` is told what could not be written or read."""

    def __init__(self, folder: Path, columns: dict[str, tuple[str, ...]], events: EventLog) -> None:
        self.folder, self.columns, self.events = folder, columns, events
        self._waiting = {name: b"" for name in columns}                  # rows that are not on the disk yet

    def append(self, name: str, rows: Iterable[Iterable[Any]]) -> None:
        """Write what waits, and these; what cannot be written waits for the next time, which one warning says."""
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
        """Give a table that an older version began the columns that have come since; their cells are empty.

        Any other table stays as it is.  Raises OSError.
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
        """Drop the rows beyond ``global_step``, and what cannot be read; returns the others.

        A table of which anything could not be read is kept too, as NAME.damaged; a warning says so.  At every moment
        the table is the old one or the new one.  Raises OSError.
        """
        path, columns = self.folder / name, self.columns[name]
        rows, wrong = _read(path, columns, needed)
        rows = [row for row in rows if int(row["global_step"]) <= global_step]
        if wrong and path.exists():
            aside = atomic_file.unused_name(path, "damaged")
            atomic_file.link_or_copy(path, aside)
            wrong += f", as it was it is kept as {aside.name}"
        kept = ([row.get(column, "nan") for column in columns] for row in rows)
        atomic_file.replace(path, encode_rows([columns, *kept]))
        if wrong:
            self.events.add("damaged", detail=f"{path} {wrong}")
        return rows


def _read(path: Path, columns: tuple[str, ...], needed: set[str]) -> tuple[list[dict[str, str]], str]:
    """The rows of a table, and what is wrong with it, "" where nothing is.

    A last line without an end was cut off while it was written: it is left out, and not counted.
    """
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return [], "was missing and begins anew"
    found, *lines = [line.rstrip("\r").split(",") for line in text.split("\n")]
    if not set(found) & set(columns):
        return [], "has not its columns in its first line and begins anew"
    is_known = needed <= set(found) <= set(columns)
    rows = valid_rows(lines[:-1], found if is_known else columns)
    lost = len(lines[:-1]) - len(rows)
    wrong = ["has not its columns in its first line"] * (not is_known)
    wrong += [f"has {lost} {'' if is_known else 'other '}lines that cannot be read and are left out"] * bool(lost)
    return rows, ", and ".join(wrong)
