"""Tables of numbers that may be incomplete."""

import numpy as np

from a3c_numba.system.number_table import columns_of, number, read_rows


def test_incomplete_rows_and_what_is_no_number_are_left_out(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b,c\n1,2,3\n4,x,6\n7,8\n9,10,11,12\n13,\x00\xff,15\n16,1e305,18\n19,20,2")
    rows = read_rows(path)
    assert [row["a"] for row in rows] == ["1", "4", "13", "16"]
    np.testing.assert_array_equal(columns_of(rows, ("a", "b"), ("a",)), [[1, 4, 13, 16], [2] + 3 * [np.nan]])
    np.testing.assert_array_equal(columns_of(rows, ("c", "a"), ("c",)), [[3, 6, 15, 18], [1, 4, 13, 16]])
    assert columns_of(rows, ("a", "d"), ("d",)).shape == columns_of([], ("a", "d"), ()).shape == (2, 0)


def test_a_cell_is_a_number_or_nan():
    assert [number("1.5"), number("-2")] == [1.5, -2.0]
    assert np.isnan([number(x) for x in ("", "x", "1e301", "inf")]).all()
