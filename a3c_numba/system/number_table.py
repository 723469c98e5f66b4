"""Read CSV tables of numbers, also while they are being written: incomplete rows and invalid numbers are skipped."""

import csv
import math
from pathlib import Path
from typing import Sequence

import numpy as np
import numpy.typing as npt

LARGEST = 1e300                # larger numbers count as missing: no axis can show them


def read_rows(file: Path) -> list[dict[str, str]]:
    """Return the complete rows of a table, by column; raise OSError or csv.Error."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    rows = list(csv.DictReader(line.replace("\0", "") for line in lines if line.endswith("\n")))    # else incomplete
    return [row for row in rows if None not in row and None not in row.values()]


def columns_of(rows: Sequence[dict[str, str]], names: Sequence[str], needed: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the columns ``names`` as numbers, (names, n), of the rows in which all ``needed`` ones are finite."""
    table = np.array([[number(row.get(name, "nan")) for name in names] for row in rows]).reshape(-1, len(names))
    whole = np.isfinite(table[:, [names.index(name) for name in needed]]).all(axis=1)
    return table[whole].T


def number(text: str) -> float:
    """Return the number that a cell holds; NaN if it holds none, or a very large one."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if abs(found) < LARGEST else math.nan
