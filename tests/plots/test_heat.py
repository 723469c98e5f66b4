"""Numbers as colours, and the pictures that are made of them."""

import numpy as np
import pytest

from a3c_numba.plots.axes import Span
from a3c_numba.plots.heat import COLD, WARM, Sheet, limit_of, signed, strength, tiles
from a3c_numba.plots.layers import activations_picture, filters_picture, matrices_picture, plane_name
from a3c_numba.plots.race import (
    CLASH, FRESH, LEARNING, PLAYING, READ, STALE, Compared, Moment, busiest, clashes, race_picture)
from a3c_numba.plots.saliency import LIGHTS, Game, Look, bright, lit, saliency_frame, saliency_picture

cv2 = pytest.importorskip("cv2")
WHITE = (255, 255, 255)


def read(path):
    return cv2.imread(str(path))[..., ::-1]


def count(picture, colour):
    """How many pixels have just this colour."""
    return int((picture == np.array(colour)).all(axis=2).sum())


def test_signed_colours():
    colours = signed([-2, -1, 0, 1, 2, np.nan], 1.0)
    np.testing.assert_array_equal(colours, [COLD, COLD, WHITE, WARM, WARM, WHITE])
    half = signed([0.5, -0.5], 1.0)
    np.testing.assert_allclose(half, (np.array([WARM, COLD]) + 255) / 2, atol=1)
    np.testing.assert_array_equal(strength([0.0, 3.0], 3.0), [WHITE, COLD])


def test_limits():
    assert limit_of([[1, -3], [2, 0]]) == 3 and limit_of([0, 0]) == 1 and limit_of([np.nan, 2, np.inf]) == 2
    assert bright(np.zeros((3, 4))) == 1 and bright(np.arange(1001)) == pytest.approx(999)


def test_an_image_lies_where_it_was_put():
    sheet = Sheet(40, 30)
    sheet.image(np.array([[WARM, COLD]], np.uint8), (10, 5), (20, 6))
    pixels = sheet.pixels()
    assert count(pixels, WARM) == count(pixels, COLD) == 60
    np.testing.assert_array_equal(pixels[5, [9, 10, 19, 20, 29, 30]], [WHITE, WARM, WARM, COLD, COLD, WHITE])


def test_tiles_are_the_channels():
    images = np.arange(24).reshape(2, 3, 4)
    for channel, one in enumerate(tiles(images)):
        np.testing.assert_array_equal(one, images[..., channel])


def test_a_filter_is_in_its_place(tmp_path):
    """Filter 2 of 3 has one weight, in the newest plane's top left corner: only there is colour."""
    weight = np.zeros((4, 4, 2, 3))
    weight[0, 0, 1, 2] = -1.5
    filters_picture(weight, "conv1.weight", tmp_path / "a.png")
    picture = read(tmp_path / "a.png")[174:]                             # below the scale, which has all colours
    rows, columns = np.nonzero((picture == np.array(COLD)).all(axis=2))
    assert len(rows) >= 18 ** 2 and rows.min() >= 90 and rows.max() < 120
    assert columns.min() >= 132 + 180 and columns.max() < 132 + 180 + 30
    assert count(picture, WARM) == 0
    assert [plane_name(c, 4) for c in range(4)] == ["3 before", "2 before", "1 before", "newest"]


def test_a_matrix_has_input_0_at_the_bottom(tmp_path):
    weight = np.zeros((5, 8))
    weight[0, 7] = 1
    matrices_picture({"dense1.weight": weight}, tmp_path / "a.png")
    picture = read(tmp_path / "a.png")[150:]
    rows, columns = np.nonzero((picture == np.array(WARM)).all(axis=2))
    assert rows.min() > 0.7 * 234 and columns.min() > 1000


@pytest.mark.parametrize("obs", [np.full((36, 40, 4), 90, np.uint8), np.linspace(-1, 1, 30)])
def test_activations_are_drawn_below_each_other(tmp_path, obs):
    """Each layer has its own scale: the same numbers a million times smaller look the same."""
    rng = np.random.default_rng(0)
    layers = {"conv1": rng.normal(size=(8, 9, 16)), "dense": rng.normal(size=100), "head": np.array([1.0, -1.0])}
    activations_picture(obs, layers, tmp_path / "a.png")
    activations_picture(obs, layers | {"conv1": layers["conv1"] * 1e-6}, tmp_path / "b.png")
    a, b = read(tmp_path / "a.png"), read(tmp_path / "b.png")
    assert a.shape == b.shape and 0 < (a != b).any(axis=2).mean() < 0.01  # the scale's numbers
    assert min(count(a, WARM), count(a, COLD)) > 64 * 33                 # the head's two cells, at the least


def test_light_falls_where_the_map_is():
    screen = np.full((8, 8, 3), 90, np.uint8)
    value, choice = np.zeros((2, 8, 8))
    value[1, 2], choice[5, 6] = 0.5, 9.0
    picture = lit(screen, [value, choice], [0.5, 3.0])
    np.testing.assert_array_equal(picture[1, 2], LIGHTS[0])
    np.testing.assert_array_equal(picture[5, 6], LIGHTS[1])              # full beyond its limit
    assert (picture != 0).any(axis=2).sum() == 2                         # of a screen of one colour nothing is seen
    screen[3, 3] = 190
    np.testing.assert_array_equal(lit(screen, [], [])[3, 3], [100, 100, 100])


def game(values):
    return Game("A game", ["V", "log pi(a)"], [1.0, 1.0], ["left", "right"], np.asarray(values, np.float64))


def test_a_frame_shows_policy_value_and_light():
    maps = [np.zeros((21, 16)), np.zeros((21, 16))]
    look = Look(np.zeros((210, 160, 3), np.uint8), maps, np.array([0.25, 0.75]), 1, 2)
    dark = saliency_frame(game([0, 1, 2, 3]), look)
    assert dark.shape[0] % 2 == dark.shape[1] % 2 == 0 and dark.dtype == np.uint8
    orange, blue = count(dark[90:200, 560:], (213, 94, 0)), count(dark[90:200, 560:], (0, 114, 178))
    assert orange == pytest.approx(3 * blue, rel=0.05)                   # 0.75 and 0.25
    maps[0][10, 8] = 1
    bright_one = saliency_frame(game([0, 1, 2, 3]), look)
    changed = np.argwhere((dark != bright_one).any(axis=2))
    assert changed[:, 1].max() < 508 and 100 <= changed[:, 0].min() and changed[:, 0].max() < 730


def test_the_axes_of_the_value_stand_still():
    """Between two steps only the curve, its number and the words change."""
    looks = [Look(np.zeros((21, 16, 3), np.uint8), [], np.array([0.5, 0.5]), None, step) for step in (1, 2)]
    first, second = (saliency_frame(game([0, 1, 2, 3]), look) for look in looks)
    left = slice(560, 610)
    np.testing.assert_array_equal(first[470:700, left], second[470:700, left])
    assert (first != second).any()


def test_vectors_are_one_picture(tmp_path):
    maps = {"V": np.eye(6)[:, :4], "log pi(a)": np.zeros((6, 4))}
    saliency_picture("A game", maps, np.arange(6.0), tmp_path / "a.png")
    picture = read(tmp_path / "a.png")
    assert picture.shape == (1000, 1240, 3)
    full = (picture[146:340] == np.array(COLD)).all(axis=2)              # the first map's area, 1122 pixels wide
    for step in range(4):                                                # later steps to the right, inputs upwards
        rows = np.flatnonzero(full[:, round(90 + (step + 0.5) / 6 * 1122)])
        assert rows.mean() == pytest.approx(194 * (1 - (step + 0.5) / 4), abs=2) and len(rows) > 44
    assert not full[:, round(90 + 4.5 / 6 * 1122)].any()


def test_clashes_as_a_count_at_many_moments():
    rng = np.random.default_rng(0)
    begin = rng.uniform(0, 100, 30)
    end = begin + rng.uniform(0, 8, 30)
    pieces = clashes(begin, end)
    for time in np.linspace(0, 110, 2000):
        together = ((begin < time) & (time < end)).sum() >= 2
        assert together == any(left < time < right for left, right in pieces)
    assert clashes(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == []


def moment(overlaps=True):
    """Two workers in turn, three updates each; the last ones write together, and worker 1 is stale once."""
    worker = np.array([0, 1, 0, 1, 0, 1])
    end = np.array([10.0, 15, 20, 25, 30, 30.5])
    write = end - 1.0
    read = np.array([0.0, 0, 10, 15, 20, 25])
    stale, clash = np.array([0, 1, 1, 1, 1, 9]), np.array([0, 0, 0, 0, 1, 1]) * overlaps
    return Moment("Two workers", worker, read, read + 0.5, end - 2.5, write, end, stale, clash)


def test_the_busiest_piece_of_time_has_the_clash():
    span = busiest(moment())
    assert isinstance(span, Span) and span.low < 29 and 30.5 < span.high


@pytest.mark.parametrize("overlaps", [True, False])
def test_a_race_is_drawn(tmp_path, overlaps):
    figures = [{"workers": n, "mean_staleness": n - 1.0, "overlapped": 0.1 * n, "lost": 1e-5 * n} for n in (1, 2)]
    lost = {1: np.zeros(9000, np.int64), 2: np.arange(9000) // 4000}
    race_picture(moment(overlaps), Compared(figures, lost), tmp_path / "a.png")
    picture = read(tmp_path / "a.png")
    lanes = picture[125:260]                                             # below the legend
    for colour in (PLAYING, LEARNING, STALE, READ, CLASH):
        assert count(lanes, colour) > 20
    assert count(lanes, PLAYING) > count(lanes, LEARNING) > count(lanes, FRESH)
    assert count(picture[260:], (213, 94, 0)) > 300                      # two workers' losses


def test_where_nothing_was_lost_that_is_said(tmp_path):
    figures = [{"workers": 1, "mean_staleness": 0.0, "overlapped": 0.0, "lost": 0.0}]
    race_picture(moment(), Compared(figures, {1: np.zeros(5, np.int64)}), tmp_path / "a.png")
    race_picture(moment(), Compared(figures, {1: np.array([0, 0, 0, 1, 0])}), tmp_path / "b.png")
    a, b = read(tmp_path / "a.png"), read(tmp_path / "b.png")
    assert (a != b).any(axis=2).sum() > 500
