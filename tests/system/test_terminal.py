"""Lines to whoever reads them, or nobody."""

import io
import logging
import sys

import numpy as np
import pytest

from a3c_numba import Agent
from a3c_numba.playback import half_blocks
from a3c_numba.system.terminal import PIECE, log, show, write_without_blocking
from tests.programs import program, reports_often


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


class WriteOnly:
    """As a program's window of messages may be."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class BreaksLater(WriteOnly):
    """Works for a while."""

    encoding = "no-such-encoding"

    def write(self, text):
        super().write(text)
        if len(self.text) > 100:
            raise RuntimeError("the window is closed")

    def isatty(self):
        return len(self.text) < 100 or self.write("")

    def fileno(self):
        raise RuntimeError("no file")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def ascii_only():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")


ODD = [WriteOnly, BreaksLater, closed, ascii_only, lambda: None, object]


@pytest.mark.parametrize("make", ODD)
def test_a_message_that_cannot_be_shown_ends_no_run(monkeypatch, make):
    """Of a progress bar, of warnings, of the standard output."""
    reports_often(monkeypatch)
    stream = make()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr("a3c_numba.system.terminal.LOG", logging.Logger("a3c_numba"))
    agent = Agent("Corridor", workers=1).learn(300, progress=True)
    log(["theta \u03b8"])
    show("theta \u03b8\n")
    monkeypatch.undo()
    assert agent.config.total_steps == 300
    if isinstance(stream, WriteOnly):
        assert "/300 steps  " in stream.text and stream.text.endswith("theta \u03b8\n")


def test_what_an_encoding_lacks_is_replaced(monkeypatch):
    """Also in a picture made of text, of which the rest stays."""
    stream = ascii_only()
    write_without_blocking("theta \u03b8 ", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    show(half_blocks(np.zeros((2, 3, 3), np.uint8), 3, 1))
    assert stream.buffer.getvalue() == b"theta ? " + b"\x1b[38;2;0;0;0m\x1b[48;2;0;0;0m?" * 3 + b"\x1b[0m\n"


def test_a_handler_that_fails_ends_no_run(monkeypatch):
    def fails(record):
        raise RuntimeError("the log is full")

    logger = logging.Logger("a3c_numba")
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", fails)
    logger.addHandler(handler)
    monkeypatch.setattr("a3c_numba.system.terminal.LOG", logger)
    log(["one"])


def test_the_reader_of_the_output_that_has_ended_is_told(monkeypatch):
    """So that a command ends, as others do before ``head``."""
    stream = WriteOnly()

    def broken(text):
        raise BrokenPipeError

    monkeypatch.setattr(stream, "write", broken)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(BrokenPipeError):
        show("one")


def test_a_commands_output_replaces_what_its_encoding_lacks(monkeypatch, catch_run, tmp_path):
    stream = ascii_only()
    monkeypatch.setattr(sys, "stdout", stream)
    assert program("plot", catch_run, "--out", tmp_path / "\u03b8.png") == 0
    stream.flush()
    assert stream.buffer.getvalue().endswith(b"?.png\n")
