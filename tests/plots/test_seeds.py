"""Curves of several seeds: which runs belong together, the centre, its interval, and the file's format."""

import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.plots import learning_curve, mean_curves
from a3c_numba.plots.colours import PALETTE
from a3c_numba.plots.seeds import centre, centre_of, groups_of, interval
from tests.plots.test_pictures import near, read_rgb, run_folder
from tests.programs import program


def test_folders_of_one_game_belong_together(tmp_path):
    folders = [tmp_path / name for name in ("pong/s0", "pong/s1", "breakout/first", "runs/Pong-v5-s0",
                                            "runs/Pong-v5-s12", "runs/Catch-s0", "other/pong/s0")]
    names = {name: [folder.name for folder in group] for name, group in groups_of(folders).items()}
    assert names == {f"{tmp_path.name}/pong": ["s0", "s1"], f"{tmp_path.name}/breakout": ["first"],
                     "runs/Pong-v5": ["Pong-v5-s0", "Pong-v5-s12"], "runs/Catch": ["Catch-s0"], "other/pong": ["s0"]}
    assert list(groups_of(folders[:5])) == ["pong", "breakout", "Pong-v5"]
    assert groups_of([folders[0], tmp_path / "pong/../pong/s0"]) == {"pong": [folders[0].resolve()]}


def test_the_centre_is_the_mean_and_of_five_seeds_interquartile():
    seeds = np.array([[1.0, 0], [2, 0], [3, 0], [100, 0]])
    assert centre(seeds).tolist() == [26.5, 0]
    assert centre(np.vstack([seeds, [[-50, 5]]])).tolist() == [2, 0]     # of 1, 2, 3
    assert centre(np.arange(8.0)[:, None]).tolist() == [3.5]             # of 2, 3, 4, 5


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    """Of 400 samples of 12 seeds each; the bootstrap's is known to be a little too narrow."""
    rng, covered = np.random.default_rng(0), []
    samples = rng.normal(size=(12, 400))
    low, high = interval(samples)
    covered = ((low < 0) & (0 < high)).mean()
    assert 0.85 < covered < 0.97
    width = (high - low).mean()
    assert width == pytest.approx(2 * 1.96 * 1.09 / np.sqrt(12), rel=0.15)        # a middle half is 1.09 as wide
    assert all(np.array_equal(*pair) for pair in zip(interval(samples), (low, high)))


def test_a_curve_is_drawn_where_all_seeds_have_games():
    places = [np.array([1.0, 2, 3]), np.array([2.0, 4]), np.array([])]
    series = centre_of("a", places, [np.array([0.0, 2, 4]), np.array([6.0, 6]), np.array([])])
    x, y, low, high = series.columns()
    assert (x[0], x[-1]) == (2, 3) and series.name == "a (mean of 2 seeds)"
    assert (y[0], y[-1]) == pytest.approx(((1 + 6) / 2, (2 + 6) / 2))    # means of the games so far
    assert (low[0], high[0]) == pytest.approx((1, 6))
    assert centre_of("b", places[:1], [np.array([0.0, 2, 4])]).name == "b (one seed)"
    for empty in (places[2:], [np.array([1.0]), np.array([2.0])]):
        assert not centre_of("c", empty, [np.ones(len(at)) for at in empty]).columns().size


@pytest.mark.parametrize("x", ["steps", "minutes"])
def test_several_games_are_drawn(tmp_path, x):
    pytest.importorskip("cv2")
    runs = [run_folder(tmp_path / game / f"s{seed}", [(60.0 * i, 1000 * i, 10.0 * seed) for i in range(20)])
            for game in ("a", "b") for seed in range(2)]
    axes = mean_curves(runs, tmp_path / "a.png", x, "Title")
    assert near(read_rgb(tmp_path / "a.png"), axes.to_pixels([10], [5])[0], PALETTE[1], 3)       # b covers a
    with pytest.raises(ValueError, match="frames"):
        mean_curves(runs, tmp_path / "a.png", "frames")


def test_an_svg_is_drawn_without_opencv(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    run = run_folder(tmp_path / "a", [(1.0, 10 * i, i) for i in range(9)])
    for draw in (learning_curve, mean_curves):
        draw([run], tmp_path / "a.SVG", title="A < B")
        root = xml.etree.ElementTree.parse(tmp_path / "a.SVG").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("width") == "1200"
        assert "A < B" in [element.text for element in root]


def test_the_command_draws_means_with_a_title(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for seed in range(2):
        run_folder(Path(f"pong/s{seed}"), [(1.0, 10 * i, i) for i in range(9)])
    assert program("plot", "pong/s0", "pong/s1", "--mean", "--title", "Two seeds", "-o", "a.svg") == 0
    text = Path("a.svg").read_text()
    assert ">Two seeds<" in text and ">pong (mean of 2 seeds)<" in text
    for seed in range(2):
        Path(f"pong/s{seed}/config.json").write_text(f'{{"env": "Catch", "seed": {seed}, "optimizer": {seed}}}')
    capsys.readouterr()
    assert program("plot", "pong/s0", "pong/s1", "--mean", "-o", "b.svg") == 2 and not Path("b.svg").exists()
    assert capsys.readouterr().err == ("a3c-numba: error: --mean would average runs in pong that differ in optimizer: "
                                       "put each kind into a folder of its own\n")
