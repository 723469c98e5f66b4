"""``one_line``, which every message with a text from outside passes through."""

import pytest

from a3c_numba.system.text import one_line


@pytest.mark.parametrize("text, line", [
    ("a plain text", "a plain text"), ("two  spaces", "two  spaces"), ("two\n  lines\r\n", "two lines"),
    ("\x1b[2J", "\\x1b[2J"), ("a\tb\0", "a\\tb\\x00"), ("\udcff", "\\udcff"), ("h\u00fclle", "h\u00fclle"), ("", ""),
    (ValueError("an\nerror"), "an error")])
def test_a_text_becomes_one_printable_line(text, line):
    assert one_line(text) == line
