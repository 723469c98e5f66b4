"""What a person sees of a run, in a terminal and elsewhere."""

import io
import re

import pytest

from a3c_numba.progress_bar import STARTING, ProgressBar, Warnings, _count, _duration
from a3c_numba.runs.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def row(step=250, seconds=25.0, **others):
    values = {"steps_per_second": 10.0, "episodes": 7, "mean_score": -3.25, "entropy": 0.687, "value": 0.1,
              "gradient_norm": 1.5, "learning_rate": 7e-4, "updates": 30, "skipped": 0, "workers": 4, "restarts": 0}
    return Progress(seconds, step, **(values | others))


@pytest.mark.parametrize("seconds, text", [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3600, "1:00:00"),
                                           (90_061, "25:01:01"), (-1, "--:--"), (float("nan"), "--:--"),
                                           (float("inf"), "--:--"), (1e9, "--:--")])
def test_durations(seconds, text):
    assert _duration(seconds) == text


@pytest.mark.parametrize("n, text", [(0, "0"), (9999, "9999"), (12_345, "12.3k"), (5e6, "5.00M")])
def test_counts(n, text):
    assert _count(n) == text


def test_a_line_says_all_that_matters():
    line = ProgressBar(1000, io.StringIO()).line(row())
    for part in ("250/1000 steps", "10/s", "7 episodes", "score -3.2", "entropy 0.69", "0:25 elapsed", "1:15 left"):
        assert part in line
    assert "skipped" not in line and "4 updates skipped" in ProgressBar(1000, io.StringIO()).line(row(skipped=4))


def test_a_line_before_anything_has_happened():
    line = ProgressBar(1000, io.StringIO()).line(row(0, 0.0, steps_per_second=0.0, mean_score=float("nan"), episodes=0))
    assert "score --" in line and "--:-- left" in line


@pytest.mark.parametrize("columns", [40, 80])
def test_before_the_first_update_it_says_what_takes_time(columns):
    bar = ProgressBar(1000, Terminal()).bar(row(500, 12.0, updates=0, steps_per_second=0.0), columns)
    assert STARTING[:30] in bar and "score" not in bar and len(bar) <= columns
    assert columns < 80 or STARTING in bar and "0:12 elapsed" in bar


@pytest.mark.parametrize("step", [0, 1, 500, 1000, 1019, 10**9])
def test_the_bar_fills_and_never_overflows(step):
    bar = re.search(r"^ *(\d+)% \|(#*)(\.*)\|", ProgressBar(1000, Terminal()).bar(row(step)))
    assert len(bar[2]) + len(bar[3]) == 20 and int(bar[1]) == min(100, round(step / 10))
    assert len(bar[2]) == min(20, step // 50)


def test_a_terminal_is_redrawn_in_place_and_ends_with_a_line():
    stream = Terminal()
    display = ProgressBar(1000, stream)
    for step in (100, 200):
        display.update(row(step))
    assert stream.getvalue().count("\r\x1b[K") == 2 and "\n" not in stream.getvalue()
    display.close(row(300))
    assert stream.getvalue().endswith("\n") and stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
def test_a_bar_never_wraps(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    display = ProgressBar(50_000_000, stream)
    display.update(row(12_345_678, 70_000.0, steps_per_second=1234.0, episodes=123_456, mean_score=-20.7))
    display.close(row(12_345_678, 70_000.0, steps_per_second=1234.0, episodes=123_456, mean_score=-20.7))
    for drawn in stream.getvalue().rstrip("\n").split("\r\x1b[K")[1:]:
        assert 0 < len(drawn) < columns and "score -20.7" in drawn
        assert columns < 80 or "12.35M/50.00M steps" in drawn and "left" in drawn and "1234/s" in drawn
        assert columns < 150 or "elapsed" in drawn and "|####" in drawn


@pytest.mark.parametrize("columns", range(20, 160, 7))
def test_no_part_of_a_bar_is_cut_off(columns):
    """A part that does not fit is left out, with all that are less important."""
    display, long = ProgressBar(50_000_000, Terminal()), row(12_345_678, 70_000.0, skipped=999, restarts=12)
    drawn = display.bar(long, columns)
    shown = re.sub(r"^ *25%( \|[#.]*\|)? +", "", drawn)
    assert len(drawn) <= columns and display.line(long).startswith(shown)
    assert shown == display.line(long) or display.line(long)[len(shown):].startswith("  ")


def test_elsewhere_there_are_plain_lines_now_and_then():
    stream = io.StringIO()
    display = ProgressBar(1000, stream, every=10.0)
    for second in range(0, 35, 5):
        display.update(row(10 * second, float(second)))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4 and "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    display.close(row(1000, 40.0))
    assert stream.getvalue().splitlines()[-1].startswith("score -3.2  1000/1000 steps")


def test_a_run_that_went_on_shows_its_first_line():
    stream = io.StringIO()
    ProgressBar(1000, stream).update(row(seconds=5000.0))
    assert stream.getvalue().count("\n") == 1


def test_nothing_to_close():
    stream = io.StringIO()
    ProgressBar(1000, stream).close(None)
    assert stream.getvalue() == ""


def test_a_terminal_is_redrawn_once_a_second():
    assert ProgressBar(1000, Terminal()).report_seconds == 1.0
    assert ProgressBar(1000, io.StringIO()).report_seconds is None


def test_the_stream_is_standard_error(capsys):
    ProgressBar(1000).update(row())
    written = capsys.readouterr()
    assert written.err and not written.out


def test_without_a_standard_error_there_is_nowhere_to_show_it(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", None)
    display = ProgressBar(1000)
    display.update(row())
    display.warn(["something"])
    display.close(row(300, 30.0))
    assert capsys.readouterr() == ("", "")


def test_a_stream_that_was_closed_ends_no_run():
    stream = io.StringIO()
    display = ProgressBar(1000, stream)
    stream.close()
    display.update(row())
    display.warn(["something"])
    assert stream.closed


def test_what_happened_is_told_at_once_a_line_each():
    stream = Terminal()
    ProgressBar(1000, stream).warn(["one", "two"])
    assert stream.getvalue() == "\r\x1b[Ka3c-numba: warning: one\na3c-numba: warning: two\n"


def test_a_quiet_run_shows_warnings_alone(capsys):
    quiet = Warnings()
    quiet.update(row())
    quiet.warn([])
    quiet.close(row())
    assert capsys.readouterr() == ("", "")
    quiet.warn(["one", "two"])
    assert capsys.readouterr().err == "a3c-numba: warning: one\na3c-numba: warning: two\n"


def test_nothing_happened():
    stream = Terminal()
    ProgressBar(1000, stream).warn([])
    assert stream.getvalue() == ""
