"""One chart, drawn on both surfaces: each mark lies where the axes say, in a picture and on a page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from a3c_numba.plots.axes import Axis, Box, Span, log_span, span_of
from a3c_numba.plots.chart import FIGURE, Boxes, Chart, Key, Panel, Series, Texts
from a3c_numba.plots.colours import BAD, GREY, INK, NAMES, PALETTE, WHITE, css, hexadecimal, paler
from a3c_numba.plots.drawing import draw, save_picture, svg_of
from a3c_numba.plots.svg import Svg, clean
from tests.plots.test_pictures import near, read_rgb


class Elements(HTMLParser):
    """The elements of SVG text: names, attributes and words."""

    def __init__(self, text):
        super().__init__()
        self.found, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, **attributes):
        return [found for name, found in self.found if name == tag and attributes.items() <= found.items()]


def panel_of(**marks):
    return Panel(Axis(Span(0.0, 10.0), "time"), Axis(Span(0.0, 4.0), "height"), **marks)


def in_both(tmp_path, chart):
    """The axes and pixels of the picture, and the axes and elements of the page."""
    pytest.importorskip("cv2")
    axes, svg = save_picture(chart, tmp_path / "a.png"), Svg(*chart.size)
    there = draw(chart, svg)
    return (axes, read_rgb(tmp_path / "a.png")), (there, Elements(svg.whole(chart.title)))


def numbers(text):
    return np.array(re.findall(r"-?[\d.]+", text), np.float64)


# ---- numbers, which need no surface


def test_shares_of_both_kinds_of_axis():
    x, y = Axis(Span(0.0, 10.0)), Axis(Span(0.1, 10.0), is_log=True)
    np.testing.assert_allclose(x.share([0, 5, 10]), [0, 0.5, 1])
    np.testing.assert_allclose(y.share([0.1, 1, 10]), [0, 0.5, 1])
    assert np.isnan(y.share([0.0, -1.0])).all()                          # no place on a log axis
    assert [label for _, label in y.ticks(5)] == ["0.1", "1", "10"]


@pytest.mark.parametrize("values", [[], [5.0], [0.0], [-1e12, 1e12], [1e-12, 2e-12], [np.nan, np.inf]])
@pytest.mark.parametrize("is_log", [False, True])
def test_every_axis_has_ticks_inside_its_span(values, is_log):
    axis = Axis(log_span(values) if is_log else span_of(values, 0.05), "", is_log)
    ticks = axis.ticks(7)
    assert 1 <= len(ticks) <= 12 and all(-1e-6 <= axis.share(tick) <= 1 + 1e-6 for tick, _ in ticks)
    assert all(len(label) <= 9 for _, label in ticks)


def test_fixed_ticks_are_not_replaced():
    ticks = [(0.5, "worker 1"), (1.5, "worker 0")]
    assert Axis(Span(0.0, 2.0), fixed=ticks).ticks(7) == ticks


def test_colours_for_a_page():
    assert hexadecimal((255, 0, 16)) == "#ff0010" and css((255, 0, 16)) == "#ff0010"
    assert css(INK) == "var(--ink,#222222)" and len(set(NAMES.values())) == len(NAMES)
    assert paler((255, 0, 100)) == (255, 128, 178)
    assert clean("<a href='x'>\n\x07&") == "&lt;a href=&#x27;x&#x27;&gt;\\n\\x07&amp;"


# ---- marks on both surfaces


def test_a_curve_and_its_band_lie_where_the_axes_say(tmp_path):
    x, y = np.array([1.0, 5.0, np.nan, 9.0]), np.array([1.0, 3.0, 0.0, 1.0])
    chart = Chart("Title", (600, 400), [panel_of(series=[Series("a", x, y, y - 0.5, y + 0.5)])])
    (axes, picture), (there, page) = in_both(tmp_path, chart)
    np.testing.assert_allclose(axes[0].to_pixels(x, y), there[0].to_pixels(x, y))
    for pixel in axes[0].to_pixels([1.0, 3.0, 5.0, 9.0], [1.0, 2.0, 3.0, 1.0]):
        assert near(picture, pixel, PALETTE[0])
    (curve,) = page.all("path", stroke=css(PALETTE[0]))
    np.testing.assert_allclose(numbers(curve["d"]), axes[0].to_pixels(x, y)[[0, 1, 3]].ravel(), atol=0.06)
    (band,) = page.all("path", fill=css(PALETTE[0]))
    assert band["fill-opacity"] == "0.16" and len(numbers(band["d"])) == 2 * 6


def test_dots_and_a_single_point(tmp_path):
    series = [Series("", [2.0, 8.0], [1.0, 3.0], colour=BAD, is_joined=False), Series("", 5.0, 2.0)]
    (axes, picture), (_, page) = in_both(tmp_path, Chart("", (600, 400), [panel_of(series=series)]))
    for x, y, colour in ((2.0, 1.0, BAD), (8.0, 3.0, BAD), (5.0, 2.0, PALETTE[1])):
        (pixel,) = axes[0].to_pixels([x], [y])
        assert near(picture, pixel, colour)
        dots = page.all("circle", fill=css(colour))
        assert any(float(dot["cx"]) == pytest.approx(pixel[0], abs=0.06) for dot in dots)
    assert not near(picture, axes[0].to_pixels([4.0], [5 / 3])[0], BAD)  # on the way from one dot to the other
    assert len(page.all("circle")) == 3


def test_points_without_a_place_on_a_log_axis_are_left_out(tmp_path):
    panel = Panel(Axis(Span(0.0, 10.0)), Axis(Span(0.1, 10.0), is_log=True), series=[Series("", [0, 5, 10], [1, 0, 1])])
    (axes, picture), (_, page) = in_both(tmp_path, Chart("", (600, 400), [panel], style=FIGURE))
    (curve,) = page.all("path", stroke=css(PALETTE[0]))
    assert curve["d"] == "M58.0 192.0L586.0 192.0"
    assert near(picture, axes[0].to_pixels([5.0], [1.0])[0], PALETTE[0], 2)


def test_a_dashed_line_has_gaps_and_a_title(tmp_path):
    series = [Series("", [0.0, 10.0], [2.0, 2.0], colour=BAD, is_dashed=True, title="<killed>")]
    (axes, picture), (_, page) = in_both(tmp_path, Chart("", (600, 400), [panel_of(series=series)]))
    (left, y), (right, _) = axes[0].to_pixels([0.0, 10.0], [2.0, 2.0])
    row = picture[round(y), round(left):round(right)].astype(int)
    drawn = (np.abs(row - BAD).max(axis=1) < 60).mean()
    assert 0.4 < drawn < 0.9
    (line,) = page.all("path", stroke=css(BAD))
    assert line["stroke-dasharray"] == "5 4" and "<killed>" in page.words and page.all("title")


def test_boxes_have_their_corners_and_a_least_width(tmp_path):
    boxes = [Boxes([1.0, 6.0], [3.0, 6.0], 1.0, [2.0, 3.0], BAD, least=5)]
    (axes, picture), (_, page) = in_both(tmp_path, Chart("", (600, 400), [panel_of(boxes=boxes)]))
    corners = np.concatenate([axes[0].to_pixels([1, 6], [2, 3]), axes[0].to_pixels([3, 6], [1, 1])], axis=1)
    corners[1, 2] += 5
    area = ((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])).sum()
    assert (picture == BAD).all(axis=2).sum() == pytest.approx(area, rel=0.05)
    (path,) = page.all("path", fill=css(BAD))
    found = np.array(re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H[\d.]+Z", path["d"]), np.float64)
    np.testing.assert_allclose(found, corners, atol=0.06)


def test_titles_keys_names_and_notes_are_written(tmp_path):
    panels = [panel_of(texts=[Texts([5.0], [2.0], ["here"])], note="nothing"), panel_of(keys=[Key("second", BAD)])]
    chart = Chart("Title", (900, 400), panels, [Key("first", PALETTE[2])], "below the title", about="two panels")
    (axes, picture), (_, page) = in_both(tmp_path, chart)
    assert {"Title", "below the title", "first", "second", "time", "height", "here", "nothing"} <= set(page.words)
    assert near(picture, (40, 34), INK, reach=12) and near(picture, (40, 100), PALETTE[2])
    assert near(picture, axes[0].to_pixels([5.0], [2.0])[0], GREY, 12)
    assert axes[0].box.right < axes[1].box.left and axes[0].box.bottom == axes[1].box.bottom
    assert (picture == BAD).all(axis=2).sum() == pytest.approx(30 * 4, rel=0.05)
    assert 'aria-label="Title. two panels"' in svg_of(chart)


def test_a_figure_leaves_its_title_to_the_page(tmp_path):
    panel = Panel(Axis(Span(0, 1)), Axis(Span(0, 1)), box=Box(10, 10, 90, 40))
    (axes, picture), (_, page) = in_both(tmp_path, Chart("Title", (100, 60), [panel], style=FIGURE))
    assert "Title" not in page.words and axes[0].box == panel.box and tuple(picture[1, 1]) == WHITE
