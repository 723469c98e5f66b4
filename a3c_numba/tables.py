"""Tables as CSV files: rows as text, appended whole or not at all, and read back without those that were cut off."""

import csv
import io
import math
import os
from pathlib import Path
from typing import Any, Iterable


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


def whole_rows(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a table of numbers, and its rows; without those that were cut off, or are no numbers."""
    lines = [line.rstrip("\r").split(",") for line in content.decode(errors="replace").split("\n")]
    columns, lines = lines[0], lines[1:-1]                               # the last has no end: it was cut off
    rows = [dict(zip(columns, line)) for line in lines if len(line) == len(columns)]
    return columns, [row for row in rows if _is_numbers(row)]


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
