"""RowRecord: what was appended comes back, and memory is bounded."""

import numpy as np
import pytest

from a3c_numba.system.row_record import MOST_NUMBERS, MOST_ROWS, RowRecord


@pytest.mark.parametrize("shape, dtype", [((), np.int64), ((3,), np.float32)])
@pytest.mark.parametrize("count", [0, 1, 64, 65, 1000])
def test_rows_come_back_as_they_were_appended(shape, dtype, count):
    record, rows = RowRecord(shape, dtype), np.random.default_rng(0).integers(9, size=(count, *shape)).astype(dtype)
    for row in rows:
        record.append(row)
    np.testing.assert_array_equal(record.rows(), rows)
    assert record.rows().dtype == dtype and record.count == count
    record.clear()
    assert len(record.rows()) == record.count == 0


def test_a_copy_is_returned():
    record = RowRecord((), np.int64)
    record.append(1)
    kept = record.rows()
    record.clear()
    record.append(2)
    assert kept.tolist() == [1] and record.rows().tolist() == [2]


def test_from_the_limit_on_rows_are_only_counted():
    record = RowRecord((2,), np.float32)
    record.limit = 100
    for n in range(100):
        record.append((n, n))
    assert len(record.rows()) == 100
    size = record._rows.nbytes
    for n in range(1000):
        record.append((n, n))
    assert record.rows() is None and record.count == 1100 and record._rows.nbytes == size
    record.clear()
    record.append((5, 6))
    assert record.rows().tolist() == [[5, 6]]


@pytest.mark.parametrize("shape, limit", [((), MOST_ROWS), ((6,), MOST_ROWS), ((100,), MOST_NUMBERS // 100),
                                          ((10**7,), 0)])
def test_the_limit_depends_on_the_size_of_a_row(shape, limit):
    assert RowRecord(shape, np.float16).limit == limit
