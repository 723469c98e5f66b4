"""Lines to whoever reads them, or nobody."""

import io
import logging

import pytest

from a3c_numba.system.terminal import PIECE, log, write_without_blocking


def test_without_a_display_a_listener_of_the_logger_hears_of_it(caplog, capsys):
    log(["50 % of one", "two"])
    assert caplog.messages == ["50 % of one", "two"] and capsys.readouterr().err == ""


@pytest.mark.parametrize("level, text", [("NOTSET", "one\ntwo\n"), ("WARNING", "one\ntwo\n"), ("ERROR", "")])
def test_without_a_listener_the_lines_are_told(monkeypatch, capsys, level, text):
    logger = logging.Logger("a3c_numba", level)                          # has no parent whose handlers would listen
    monkeypatch.setattr("a3c_numba.system.terminal.LOG", logger)
    log(["one", "two"])
    assert capsys.readouterr().err == text


def test_a_text_of_any_length_is_told_whole():
    stream, text = io.StringIO(), "".join(f"line {n}\n" for n in range(1000))
    write_without_blocking(text, stream)
    assert stream.getvalue() == text


def test_a_piece_is_no_longer_than_a_ready_pipe_takes():
    assert len(("\U0001f3ae" * PIECE).encode()) <= 512
