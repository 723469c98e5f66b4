"""Watching an agent: films, and the terminal."""

import os
import re
import sys

import numpy as np
import pytest

from a3c_numba import playback
from a3c_numba.core.networks import Convolutional
from a3c_numba.evaluation import EvaluationSettings
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import save
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import Chances, Shown, Steered, chances, program, small


@pytest.fixture(scope="module")
def shown():
    return initial_checkpoint(configure("tests.programs:Shown-v0"))


@pytest.fixture
def file(shown, tmp_path):
    save(tmp_path / "agent.npz", shown)
    return tmp_path / "agent.npz"


def test_moments_are_those_of_the_game(shown):
    moments = list(playback.play_frames(shown, EvaluationSettings(1), 0))
    assert len(moments) == 7 and [moment.screen[0, 0, 0] for moment in moments] == [1, 2, 3, 4, 5, 6, 7]
    for moment in moments:
        assert moment.policy.shape == (3,) and moment.policy.sum() == pytest.approx(1, abs=1e-5)
        assert 0 <= moment.action < 3 and moment.score == 0


def test_games_close_their_environments(tmp_path, capsys, monkeypatch):
    """Also one that is left in the middle."""
    made, closed, init = [], [], Shown.__init__
    monkeypatch.setattr(Shown, "__init__", lambda self, **named: made.append(init(self, **named)))
    monkeypatch.setattr(Shown, "close", lambda self: closed.append(self))
    shown = initial_checkpoint(configure("tests.programs:Shown-v0"))
    for _ in range(3):
        game = playback.play_frames(shown, EvaluationSettings(1), 0)
        next(game)
        game.close()
    save(tmp_path / "agent.npz", shown)
    assert program("play", tmp_path / "agent.npz", "--env", "tests.programs:Shown-v0", "--episodes", 2) == 0
    assert program("portrait", tmp_path / "agent.npz", "--env", "tests.programs:Shown-v0", "--out", tmp_path) == 0
    assert len(made) == len(closed) > 5


@pytest.mark.parametrize("parts", [{}, {"network": Convolutional(dense=8, recurrent=True, cells=6)}])
def test_continuous_actions_show_the_mean_and_no_number(parts):
    start = initial_checkpoint(configure("tests.programs:Steered-v0", **parts))
    start.theta[:] = 0                                                   # a mean of 0
    scenes = list(playback.play_frames(start, EvaluationSettings(1), 0))
    assert len(scenes) == 7
    for scene in scenes:
        assert scene.action is None and scene.policy.shape == (2,)
        np.testing.assert_allclose(scene.policy, [1 / 2, 2 / 3], rtol=1e-6)


def test_of_action_values_the_greedy_action_stands_out():
    start = initial_checkpoint(configure("tests.programs:Shown-v0", algorithm="one_step_q"))
    for scene in playback.play_frames(start, EvaluationSettings(1), 0):
        np.testing.assert_allclose(np.sort(scene.policy), [0.05 / 3, 0.05 / 3, 1 - 2 * 0.05 / 3], rtol=1e-6)


def test_without_a_terminal_nothing_is_drawn(tmp_path, capsys):
    """Catch has no picture of itself, and still can be played."""
    save(tmp_path / "agent.npz", initial_checkpoint(configure("Catch")))
    assert program("play", tmp_path / "agent.npz", "--episodes", 2) == 0
    assert re.fullmatch(r"game 0: -?1\ngame 1: -?1\n", capsys.readouterr().out)


def test_moments_can_be_cut_short(shown):
    assert len(list(playback.play_frames(shown, EvaluationSettings(1, max_steps=3), 0))) == 3


@pytest.mark.parametrize("env", ["Catch", chances])
def test_an_environment_without_a_picture_says_so(env):
    with pytest.raises(ValueError, match="(Catch|chances) cannot be rendered"):
        list(playback.play_frames(initial_checkpoint(small(env)), EvaluationSettings(1), 0))


def test_action_names():
    assert playback.action_names(Chances()) == ["0", "1"]
    named = Chances()
    named.action_names = ("left", "right")
    assert playback.action_names(named) == ["left", "right"]
    assert playback.action_names(Steered()) == ["0", "1"]


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_film_has_a_frame_for_each_step(file, tmp_path, capsys, suffix):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / f"film{suffix}"
    assert program("play", file, "--video", path, "--episodes", 2, "--max-steps", 5) == 0
    reader, frames = cv2.VideoCapture(str(path)), 0
    while reader.read()[0]:
        frames += 1
    assert frames == 10 and capsys.readouterr().out.splitlines() == [
        "game 0: 0, stopped after 5 steps (--max-steps)", "game 1: 0, stopped after 5 steps (--max-steps)", str(path)]


def test_continuous_actions_can_be_filmed_and_drawn(tmp_path, capsys, monkeypatch):
    pytest.importorskip("cv2")
    save(tmp_path / "agent.npz", initial_checkpoint(configure("tests.programs:Steered-v0")))
    assert program("play", tmp_path / "agent.npz", "--video", tmp_path / "film.gif") == 0
    assert (tmp_path / "film.gif").stat().st_size > 1000
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(playback.time, "sleep", lambda seconds: None)
    assert program("play", tmp_path / "agent.npz") == 0
    assert "*" not in capsys.readouterr().out, "no action is marked"


def test_without_a_terminal_only_scores_are_printed(file, capsys):
    assert program("play", file, "--episodes", 2) == 0
    assert capsys.readouterr().out == "game 0: 0\ngame 1: 0\n"


def test_in_a_terminal_every_step_is_drawn(file, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(playback.time, "sleep", lambda seconds: None)
    assert program("play", file) == 0
    out = capsys.readouterr().out
    assert out.count("\x1b[2J") == 1, "the screen is cleared once, then drawn over"
    assert out.count("score 0") == 7 and re.search(r"V -?\d+\.\d\d   pi 0", out) and out.endswith("game 0: 0\n")


def test_half_blocks_show_two_pixels_a_character():
    screen = np.zeros((4, 2, 3), np.uint8)
    screen[0], screen[1] = (1, 2, 3), (4, 5, 6)
    lines = playback.half_blocks(screen, 80, 24).splitlines()
    assert lines[0] == "\x1b[38;2;1;2;3m\x1b[48;2;4;5;6m▀" * 2 + "\x1b[0m" and len(lines) == 2


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 10), (1, 1)])
@pytest.mark.parametrize("shape", [(210, 160, 3), (84, 84, 3), (400, 600, 3), (1, 1, 3), (5, 81, 3)])
def test_half_blocks_fit_into_the_terminal(shape, size):
    lines = playback.half_blocks(np.zeros(shape, np.uint8), *size).splitlines()
    assert len(lines) <= size[1] and all(line.count("▀") <= size[0] for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (120, 60), (30, 8)])
def test_a_scene_fits_into_the_terminal(monkeypatch, size):
    monkeypatch.setattr(playback.shutil, "get_terminal_size", lambda: os.terminal_size(size))
    scene = playback.PlayedFrame(np.zeros((210, 160, 3), np.uint8), np.full(18, 1 / 18), 0.5, 3, 7.0, False)
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", playback.in_terminal(scene))
    assert text.count("\n") < size[1] and max(map(len, text.splitlines())) <= size[0]
    assert "score 7" in text.splitlines()[-1]


@pytest.mark.parametrize("arguments", [("--episodes", 0), ("--max-steps", 0), ("--max-steps", -1), ("--seed", -1),
                                       ("--video", "film.txt"), ("--video", "nowhere/film.mp4")])
def test_what_cannot_be_shown_is_one_line(file, capsys, arguments):
    assert program("play", file, *arguments) == 2
    written = capsys.readouterr()
    assert written.err.count("\n") == 1 and not written.out and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("video", [True, False])
def test_an_environment_without_a_picture_is_one_line(catch_run, tmp_path, capsys, monkeypatch, video):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    film = tmp_path / "film.mp4"
    assert program("play", catch_run, *(["--video", film] if video else [])) == 2
    assert capsys.readouterr().err == "a3c-numba: error: Catch cannot be rendered\n"
    assert not list(tmp_path.iterdir())


def test_an_environment_that_needs_a_package_to_be_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    save(tmp_path / "agent.npz", initial_checkpoint(small("CartPole-v1")))
    assert program("play", tmp_path / "agent.npz") == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "pygame" in line and "CartPole-v1" in line
