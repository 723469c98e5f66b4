"""Tables as text; that rows are whole and are kept is shown with the folders that hold them."""

import math

from a3c_numba.runs.csv_log import as_csv, encode_rows

ROW = ("a, b", 1_234_567.0, 1e-4, math.nan, 7, 1 / 3)


def test_cells_keep_their_digits():
    assert as_csv([ROW]) == '"a, b",1234567,0.0001,,7,0.333333333\n'


def test_in_a_runs_tables_nan_is_a_number():
    assert encode_rows([ROW, ("\udcff",)]) == b'"a, b",1234567,0.0001,nan,7,0.333333333\r\n\\udcff\r\n'
