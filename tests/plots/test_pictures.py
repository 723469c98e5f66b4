"""Pictures are read back pixel by pixel; without OpenCV one line says what to install."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a3c_numba import plots
from a3c_numba.plots.axes import Span, nice_ticks, span_of, tick_labels
from a3c_numba.plots.canvas import Canvas, load_cv2
from a3c_numba.plots.colours import INK, PALETTE, WHITE
from a3c_numba.plots.curves import draw_curve, read_episodes, running

HEADER = "seconds,global_step,worker,score,length\n"


def read_rgb(path):
    cv2 = pytest.importorskip("cv2")
    return cv2.imread(str(path))[..., ::-1]


def run_folder(path, rows, tail=""):
    path.mkdir(parents=True)
    lines = [f"{seconds},{step},{i % 4},{score},500\n" for i, (seconds, step, score) in enumerate(rows)]
    (path / "episodes.csv").write_text(HEADER + "".join(lines) + tail)
    return path


def near(picture, pixel, colour, reach=1):
    """Whether ``colour`` lies within ``reach`` pixels of ``pixel`` (x, y)."""
    x, y = (int(round(c)) for c in pixel)
    patch = picture[y - reach:y + reach + 1, x - reach:x + reach + 1].astype(int)
    return bool((np.abs(patch - colour).max(axis=-1) <= 3).any())


def one_line(call, kind=ValueError):
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value) and str(caught.value)
    return str(caught.value)


# ---- numbers, which need no OpenCV


@pytest.mark.parametrize("low, high, expected", [
    (0, 10, [0, 2, 4, 6, 8, 10]), (-21, 21, [-20, -10, 0, 10, 20]), (0.0, 0.05, [0, 0.01, 0.02, 0.03, 0.04, 0.05])])
def test_ticks_are_round(low, high, expected):
    np.testing.assert_allclose(nice_ticks(Span(low, high), 5), expected, atol=1e-12)


def test_ticks_are_few_and_inside_at_every_scale(rng=np.random.default_rng(0)):
    for _ in range(300):
        low = rng.normal() * 10.0 ** rng.integers(-6, 9)
        span = Span(low, low + 10.0 ** rng.uniform(-3, 9))
        ticks = nice_ticks(span, 7)
        width = 1e-6 * (span.high - span.low)
        assert 2 <= len(ticks) <= 9 and span.low - width <= ticks[0] and ticks[-1] <= span.high + width
        assert len(set(tick_labels(ticks))) == len(ticks)


def test_tick_labels():
    assert tick_labels([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert tick_labels([-10.0, -0.0, 10.0]) == ["-10", "0", "10"]
    assert tick_labels([0.0, 20000.0]) == ["0", "20,000"]


def test_span_has_a_width_whatever_it_holds():
    for values in ([], [np.nan], [0.0], [5.0, 5.0], [-21.0], [1e12]):
        span = span_of(np.array(values), 0.05)
        assert span.high > span.low
    assert span_of(np.array([1.0, 100.0]), 0.05) == Span(0.0, 105.0)


def test_running_statistics_against_plain_slices():
    x, scores = np.arange(250.0), np.random.default_rng(0).normal(size=250)
    series = running("a", x[::-1], scores[::-1], window=10)  # out of turn: sorted
    for i in (0, 4, 9, 10, 249):
        games = sorted(scores[max(0, i - 9):i + 1])
        assert series.y[i] == pytest.approx(sum(games) / len(games))
        assert series.low[i] == pytest.approx(np.quantile(games, 0.1))
        assert series.high[i] == pytest.approx(np.quantile(games, 0.9))


def test_running_keeps_the_ends_of_a_long_run():
    series = running("a", np.arange(50000.0), np.arange(50000.0))
    assert len(series.x) <= 1200 and series.x[0] == 0 and series.x[-1] == 49999
    assert series.y[-1] == pytest.approx(np.arange(49900, 50000).mean())


def test_a_cut_line_is_left_out(tmp_path):
    cut = "", "3.0,30", "3.0,3000,1,-1", "3.0,3000,1,-1,", "3.0,3000,1,x,500\n", "1,2,3,4,5,6,7\n"
    for i, tail in enumerate(cut):
        run = run_folder(tmp_path / str(i), [(1.0, 1000, -21), (2.0, 2000, 3.5)], tail)
        np.testing.assert_array_equal(read_episodes(run), [[1, 1000, -21], [2, 2000, 3.5]])


def test_no_episodes_to_read(tmp_path):
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "episodes.csv").touch()
    assert read_episodes(tmp_path / "blank").shape == (0, 3)
    assert read_episodes(run_folder(tmp_path / "header", [])).shape == (0, 3)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "episodes.csv").write_text("a,b\n1,2\n")
    assert "score" in one_line(lambda: read_episodes(tmp_path / "other"))
    assert "episodes.csv" in one_line(lambda: plots.learning_curve([tmp_path / "absent"], tmp_path / "a.png"))
    one_line(lambda: plots.learning_curve([], tmp_path / "a.png", x="frames"))


# ---- OpenCV, absent


def test_importing_the_package_does_not_import_cv2():
    code = "import sys, a3c_numba.plots; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_cv2_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    for call in (lambda: plots.line_plot([], "t", "x", "y", tmp_path / "a.png"),
                 lambda: plots.play_frame(np.zeros((8, 8, 3), np.uint8), [1.0], 0.0, ["NOOP"], 0, 0.0),
                 lambda: plots.VideoWriter(tmp_path / "a.mp4"), lambda: plots.VideoWriter(tmp_path / "a.gif")):
        line = one_line(call, plots.PicturesUnavailable)
        assert "opencv-python" in line and "pip install opencv-python-headless" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library, package", [("libGL.so.1", "libgl1"), ("libgthread-2.0.so.0", "libglib2.0-0")])
def test_a_missing_system_library_is_named(library, package, tmp_path, monkeypatch):
    error = f"{library}: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({error!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    line = one_line(load_cv2, plots.PicturesUnavailable)
    assert package in line and "opencv-python-headless" in line


# ---- pictures


def test_line_plot_draws_each_point_where_the_axes_say(tmp_path):
    pytest.importorskip("cv2")
    x = np.linspace(0, 4, 50)
    band = plots.Series("sine", x, np.sin(x), np.sin(x) - 0.5, np.sin(x) + 0.5)
    gap = plots.Series("gap", [0.0, 1.0, np.nan, 4.0], [-2.0, -2.0, 0.0, -2.0])
    axes = plots.line_plot([band, gap], "Title", "x (units)", "y (units)", tmp_path / "a.png")
    picture = read_rgb(tmp_path / "a.png")
    assert picture.shape == (700, 1200, 3) and tuple(picture[1, 1]) == WHITE
    for pixel in axes.to_pixels(x[5:-5], np.sin(x[5:-5])):
        assert near(picture, pixel, PALETTE[0]) and not near(picture, pixel + (0, 12), PALETTE[0])
    for pixel in axes.to_pixels([0.5, 2.0, 3.5], [-2.0, -2.0, -2.0]):
        assert near(picture, pixel, PALETTE[1])
    faint = 0.16 * np.array(PALETTE[0]) + 0.84 * 255
    (inside,), (outside,) = axes.to_pixels([1.55], [0.65]), axes.to_pixels([1.55], [1.6])
    assert near(picture, inside, faint) and not near(picture, outside, faint)
    assert near(picture, (40, 34), INK, reach=12)  # the title


def test_axes_map_their_corners(tmp_path):
    pytest.importorskip("cv2")
    axes = plots.line_plot([plots.Series("a", [0, 10], [0, 1])], "t", "x", "y", tmp_path / "a.png", (640, 400))
    np.testing.assert_allclose(axes.to_pixels(axes.x.span, axes.y.span),
                               [(axes.box.left, axes.box.bottom), (axes.box.right, axes.box.top)])
    assert read_rgb(tmp_path / "a.png").shape == (400, 640, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("x, unit", [("steps", 1e6), ("minutes", 60.0)])
def test_learning_curve_ends_at_the_mean_of_the_last_games(tmp_path, x, unit):
    pytest.importorskip("cv2")
    rows = [(6.0 * i, 10_000 * i, float(i % 3) + i / 50) for i in range(200)]
    runs = [run_folder(tmp_path / "first", rows), run_folder(tmp_path / "second", rows[:1]),
            run_folder(tmp_path / "third", [])]
    axes = plots.learning_curve(runs, tmp_path / "a.png", x=x)
    picture = read_rgb(tmp_path / "a.png")
    last = (rows[-1][1] if x == "steps" else rows[-1][0]) / unit
    (pixel,) = axes.to_pixels([last], [np.mean([score for _, _, score in rows[-100:]])])
    assert near(picture, pixel - (2, 0), PALETTE[0], 2)
    assert near(picture, axes.to_pixels([0.0], [0.0])[0], PALETTE[1], 3)  # one episode: a dot
    assert near(picture, (40, 72), PALETTE[0], 8)  # the legend


@pytest.mark.parametrize("x, unit", [("steps", 1e3), ("minutes", 60.0)])
def test_evaluations_are_points_with_whiskers(tmp_path, x, unit):
    """In a colour of their own, or of their run's if there are several; a game alone has no whiskers."""
    pytest.importorskip("cv2")
    runs = [run_folder(tmp_path / name, [(60.0, 1000, 0.0), (600.0, 9000, 1.0)]) for name in "ab"]
    table = "seconds,global_step,episodes,different,mean,standard_error,min,max\n"
    (runs[0] / "evaluations.csv").write_text(table + "120,2000,4,4,5,2,0,9\n300,5000,1,1,-3,nan,-3,-3\n")
    for folders, colour in ((runs[:1], PALETTE[1]), (runs, PALETTE[0])):
        axes = plots.learning_curve(folders, tmp_path / "a.png", x=x)
        picture = read_rgb(tmp_path / "a.png")
        for place, mean in ((2000 if x == "steps" else 120, 5), (5000 if x == "steps" else 300, -3)):
            assert near(picture, axes.to_pixels([place / unit], [mean])[0], colour)
            end = axes.to_pixels([place / unit], [mean + 1.8])[0]
            assert near(picture, end, colour) == (mean == 5)


def test_learning_curve_of_nothing_says_so(tmp_path):
    pytest.importorskip("cv2")
    for runs in ([], [run_folder(tmp_path / "a", [])]):
        axes = plots.learning_curve(runs, tmp_path / "a.png")
        middle = (axes.box.left + axes.box.right) / 2, (axes.box.top + axes.box.bottom) / 2 - 6
        assert near(read_rgb(tmp_path / "a.png"), middle, (105, 105, 105), 20)


def test_the_curve_of_a_run_is_drawn_or_the_reason_is_returned(tmp_path, monkeypatch):
    pytest.importorskip("cv2")
    run = run_folder(tmp_path / "a", [(1.0, 1000, -21)])
    assert draw_curve(run) is None and (run / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "episodes.csv" in draw_curve(tmp_path / "absent")
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "pip install" in draw_curve(run)


def test_saving_says_what_it_cannot(tmp_path):
    pytest.importorskip("cv2")
    assert ".png" in one_line(lambda: Canvas(8, 8).save(tmp_path / "a.txt"))
    with pytest.raises(FileNotFoundError):
        Canvas(8, 8).save(tmp_path / "absent" / "a.png")


def test_paths_may_be_strings(tmp_path):
    pytest.importorskip("cv2")
    plots.learning_curve([str(run_folder(tmp_path / "a", [(1.0, 10, 2.0)]))], str(tmp_path / "a.png"))
    assert Path(tmp_path / "a.png").stat().st_size > 1000
