"""Tables as CSV files: rows as text, appended whole or not at all, and read back without those that were cut off.

What cannot be written waits, and what cannot be read is kept beside: no row is lost.
"""

import csv
import io
import math
import os
from pathlib import Path
from typing import Any, Iterable

from . import checkpoint_files as files


def as_csv(rows: Iterable[Iterable[Any]], nan: str = "", end: str = "\n") -> str:
    """Rows as lines of CSV, numbers to nine digits; ``nan`` stands for a number that is not there."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([_cell(x, nan) for x in row] for row in rows)
    return text.getvalue()


def _cell(x: Any, nan: str) -> Any:
    if not isinstance(x, float):
        return x
    return nan if math.isnan(x) else f"{x:.9g}"


def as_bytes(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as a run's tables have them: nan is a number like others, and a line ends as RFC 4180 has it."""
    return as_csv(rows, "nan", "\r\n").encode(errors="backslashreplace")


def whole_rows(content: bytes) -> tuple[list[str], list[dict[str, str]], int]:
    """The columns of a table of numbers, its rows, and how many lines are left out since they are none.

    A last line without an end was cut off while it was written: it is left out, and not counted.
    """
    lines = [line.rstrip("\r").split(",") for line in content.decode(errors="replace").split("\n")]
    columns, lines = lines[0], lines[1:-1]
    rows = [dict(zip(columns, line)) for line in lines if len(line) == len(columns)]
    rows = [row for row in rows if _is_numbers(row)]
    return columns, rows, len(lines) - len(rows)


def _is_numbers(row: dict[str, str]) -> bool:
    try:
        return int(row.get("global_step", 0)) >= 0 and all(float(x) is not None for x in row.values())
    except ValueError:
        return False


def append_whole(path: Path, rows: bytes, header: bytes) -> None:
    """All of the rows, or none of them and OSError; an empty file gets its header first."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(file).st_size
        rest = rows if size else header + rows
        try:
            while rest:
                rest = rest[os.write(file, rest):]
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


class Tables:
    """The tables in a folder: file name -> columns.

    Attributes:
        warnings: lines, for a person, on what could not be written or read.
    """

    def __init__(self, folder: Path, columns: dict[str, tuple[str, ...]]) -> None:
        self.folder, self.columns = folder, columns
        self.warnings: list[str] = []
        self._waiting = {name: b"" for name in columns}                  # rows that are not on the disk yet

    def append(self, name: str, rows: Iterable[Iterable[Any]]) -> None:
        """Write what waits, and these; what cannot be written waits for the next time, which one warning says."""
        late = {name for name, waiting in self._waiting.items() if waiting}
        self._waiting[name] += as_bytes(rows)
        for table in sorted(late | {name}):
            try:
                append_whole(self.folder / table, self._waiting[table], as_bytes([self.columns[table]]))
            except OSError as error:
                if table not in late:
                    self.warnings.append(f"cannot write {self.folder / table} ({error.strerror}): its rows are kept "
                                         "until it can be written")
                continue
            self._waiting[table] = b""
            if table in late:
                self.warnings.append(f"{self.folder / table} is written again, no row is missing")

    def cut(self, name: str, needed: set[str], global_step: int) -> list[dict[str, str]]:
        """Drop the rows beyond ``global_step``, and what cannot be read; returns the others.

        A table of which anything could not be read is kept too, as NAME.damaged; a warning says so.  At every moment
        the table is the old one or the new one.  Raises OSError.
        """
        path, columns = self.folder / name, self.columns[name]
        rows, wrong = _read(path, set(columns), needed)
        rows = [row for row in rows if int(row["global_step"]) <= global_step]
        if wrong and path.exists():
            aside = files.free(path, "damaged")
            files.double(path, aside)
            wrong += f", as it was it is kept as {aside.name}"
        _replace(path, as_bytes([columns, *([row.get(column, "nan") for column in columns] for row in rows)]))
        self.warnings += [f"{path} {wrong}"] * bool(wrong)
        return rows


def _read(path: Path, columns: set[str], needed: set[str]) -> tuple[list[dict[str, str]], str]:
    """The rows of a table, and what is wrong with it, "" where nothing is."""
    try:
        found, rows, lost = whole_rows(path.read_bytes())
    except FileNotFoundError:
        return [], "was missing and begins anew"
    if not needed <= set(found) <= columns:
        return [], "has not its columns in its first line and begins anew"
    return rows, f"has {lost} lines that cannot be read and are left out" if lost else ""


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    try:
        files.write_down(temporary, content)
        files.put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
