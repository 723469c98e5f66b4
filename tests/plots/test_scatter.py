"""Points on a logarithmic axis, read back pixel by pixel."""

import numpy as np
import pytest

from a3c_numba.plots.axes import Span, log_span, log_ticks
from a3c_numba.plots.colours import PALETTE
from a3c_numba.plots.curves import scatter_plot
from tests.plots.test_pictures import near, read_rgb

LABELS = "Title", "rate", "score"


# ---- numbers, which need no OpenCV


@pytest.mark.parametrize("span, expected", [
    ((1e-4, 1e-2), [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2]), ((0.9e-4, 1.9e-3), [1e-4, 2e-4, 5e-4, 1e-3]),
    ((1e-7, 1e-2), [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]),
    ((0.001, 0.002), [0.001, 0.0012, 0.0014, 0.0016, 0.0018, 0.002])])
def test_ticks_are_round(span, expected):
    np.testing.assert_allclose(log_ticks(Span(*span)), expected, rtol=1e-12)


def test_ticks_are_few_and_inside_at_every_scale(rng=np.random.default_rng(0)):
    for _ in range(300):
        low = 10.0 ** rng.uniform(-9, 3)
        span = log_span(np.array([low, low * 10.0 ** rng.uniform(0.05, 30)]))
        ticks = log_ticks(span)
        assert 2 <= len(ticks) <= 14 and ticks == sorted(set(ticks))
        assert span.low <= ticks[0] * (1 + 1e-9) and ticks[-1] <= span.high * (1 + 1e-9)


def test_a_span_has_a_width_whatever_it_holds():
    assert log_span(np.array([])) == Span(1.0, 10.0) and log_span(np.array([3.0, 3.0])) == Span(1.5, 6.0)
    low, high = log_span(np.array([1e-2, 1e-4, 1e-3]))
    assert low == pytest.approx(1e-4 * 10 ** -0.06) and high == pytest.approx(1e-2 * 10 ** 0.06)


# ---- pictures


def test_each_point_lies_where_its_logarithm_says(tmp_path):
    pytest.importorskip("cv2")
    x, y = [1e-4, 1e-3, 5e-3, 1e-2], [0.0, 20.0, 15.0, -5.0]
    axes = scatter_plot(x, y, LABELS, tmp_path / "a.png", (1e-4, 1e-2))
    picture, pixels = read_rgb(tmp_path / "a.png"), axes.to_pixels(x, y)
    assert picture.shape == (700, 1200, 3)
    for pixel in pixels:
        assert near(picture, pixel, PALETTE[0]) and not near(picture, pixel + (0, 12), PALETTE[0])
    assert pixels[1, 0] == pytest.approx((pixels[0, 0] + pixels[3, 0]) / 2)        # 1e-3 halfway from 1e-4 to 1e-2
    assert pixels[1, 1] < pixels[2, 1] < pixels[0, 1] < pixels[3, 1]               # a high score is high
    blue = (np.abs(picture.astype(int) - PALETTE[0]).max(axis=-1) <= 3).sum()
    assert 4 * 40 < blue < 4 * 90                                                  # four dots, and no line between


def test_the_axes_map_their_corners(tmp_path):
    pytest.importorskip("cv2")
    axes = scatter_plot([1.0, 1000.0], [0.0, 1.0], LABELS, tmp_path / "a.png", size=(640, 400))
    np.testing.assert_allclose(axes.to_pixels(axes.x.span, axes.y.span),
                               [(axes.box.left, axes.box.bottom), (axes.box.right, axes.box.top)])
    assert read_rgb(tmp_path / "a.png").shape == (400, 640, 3)


def test_points_without_a_place_are_left_out(tmp_path):
    pytest.importorskip("cv2")
    axes = scatter_plot([1e-3, 2e-3, 0.0, -1.0, np.nan], [1.0, np.nan, 50.0, 50.0, 50.0], LABELS, tmp_path / "a.png")
    assert axes.y.span.high < 50 and axes.x.span == Span(5e-4, 2e-3)
    assert near(read_rgb(tmp_path / "a.png"), axes.to_pixels([1e-3], [1.0])[0], PALETTE[0])


def test_no_point_at_all_says_so(tmp_path):
    pytest.importorskip("cv2")
    axes = scatter_plot([1e-3], [np.nan], LABELS, tmp_path / "a.png", (1e-4, 1e-2), "nothing yet")
    middle = (axes.box.left + axes.box.right) / 2, (axes.box.top + axes.box.bottom) / 2 - 6
    assert near(read_rgb(tmp_path / "a.png"), middle, (105, 105, 105), 20)
    assert axes.x.span.low < 1e-4 and axes.x.span.high > 1e-2
