"""Videos are read back frame by frame, and the frame of a game bar by bar."""

import numpy as np
import pytest

from a3c_numba import plots
from a3c_numba.plots.canvas import load_cv2
from a3c_numba.plots.play_frame import BAR, CHOSEN, NIGHT
from tests.plots.test_pictures import one_line


def frames_of(path):
    cv2 = pytest.importorskip("cv2")
    film, frames = cv2.VideoCapture(str(path)), []
    while (read := film.read())[0]:
        frames.append(read[1][..., ::-1])
    return frames


def need(suffix, folder):
    """Skip where there is no OpenCV, or one too old for the format."""
    pytest.importorskip("cv2")
    try:
        plots.VideoWriter(folder / f"a{suffix}")
    except plots.PicturesUnavailable as reason:
        pytest.skip(str(reason))


def moving(count, height=60, width=80):
    """Frames of which each has its own red."""
    return [np.full((height, width, 3), (20 + 8 * i, 100, 50), np.uint8) for i in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".gif"])
def test_a_video_reads_back(tmp_path, suffix):
    need(suffix, tmp_path)
    path, frames = tmp_path / f"a{suffix}", moving(12)
    with plots.VideoWriter(path, fps=25) as video:
        for frame in frames:
            video.write(frame)
            assert not path.exists()
    read = frames_of(path)
    assert [frame.shape for frame in read] == [frame.shape for frame in frames]
    for frame, original in zip(read, frames):
        assert np.abs(frame.astype(int) - original).mean() < 6
    assert list(tmp_path.iterdir()) == [path]


def test_an_mp4_has_a_codec_that_browsers_play(tmp_path, caplog):
    need(".mp4", tmp_path)
    with plots.VideoWriter(tmp_path / "a.mp4") as video:
        video.write(moving(1)[0])
    content = (tmp_path / "a.mp4").read_bytes()
    assert (b"vp09" in content and not caplog.messages) or (b"mp4v" in content and len(caplog.messages) == 1)


def test_without_such_a_codec_one_line_says_so(tmp_path, caplog, monkeypatch):
    need(".mp4", tmp_path)
    cv2 = load_cv2()

    writer, vp9 = cv2.VideoWriter, cv2.VideoWriter_fourcc(*"vp09")
    monkeypatch.setattr(cv2, "VideoWriter",
                        lambda path, code, *rest: writer() if code == vp9 else writer(path, code, *rest))
    with plots.VideoWriter(tmp_path / "a.mp4") as video:
        for frame in moving(3):
            video.write(frame)
    line, = caplog.messages
    assert "no codec for .mp4 that browsers play" in line and len(frames_of(tmp_path / "a.mp4")) == 3


def test_odd_sides_are_made_even(tmp_path):
    pytest.importorskip("cv2")
    with plots.VideoWriter(tmp_path / "a.mp4") as video:
        for frame in moving(3, 61, 81):
            video.write(frame)
    assert [frame.shape for frame in frames_of(tmp_path / "a.mp4")] == [(62, 82, 3)] * 3


def test_a_long_wide_gif_stays_bounded(tmp_path, monkeypatch):
    need(".gif", tmp_path)
    monkeypatch.setattr(plots.video, "GIF_FRAMES", 8)
    with plots.VideoWriter(tmp_path / "a.gif", fps=30) as video:
        for frame in moving(20, 100, 960):
            video.write(frame)
    assert [frame.shape for frame in frames_of(tmp_path / "a.gif")] == [(50, 480, 3)] * 5  # every fourth of 20
    shown = pytest.importorskip("cv2").imreadanimation(str(tmp_path / "a.gif"))[1].durations
    assert set(np.ravel(shown).tolist()) == {100}  # milliseconds, not the 133 of four frames


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_an_interrupted_video_leaves_nothing(tmp_path, suffix):
    need(suffix, tmp_path)
    (tmp_path / f"a{suffix}").write_bytes(b"the one before")
    with pytest.raises(KeyboardInterrupt):
        with plots.VideoWriter(tmp_path / f"a{suffix}") as video:
            video.write(moving(1)[0])
            raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the one before"]


def test_video_errors_are_one_line(tmp_path):
    pytest.importorskip("cv2")
    assert ".mp4, .avi, .gif" in one_line(lambda: plots.VideoWriter(tmp_path / "a.webm"))
    assert "no folder" in one_line(lambda: plots.VideoWriter(tmp_path / "absent" / "a.mp4"))
    one_line(lambda: plots.VideoWriter(tmp_path / "a.mp4", fps=0))
    assert "no frame" in one_line(lambda: plots.VideoWriter(tmp_path / "a.mp4").__exit__(None, None, None))
    video = plots.VideoWriter(tmp_path / "a.mp4")
    video.write(moving(1)[0])
    one_line(lambda: video.write(moving(1, 30, 30)[0]))
    one_line(lambda: video.write(np.zeros((60, 80, 3), np.float32)))
    video.__exit__(RuntimeError, None, None)
    assert list(tmp_path.iterdir()) == []


# ---- the frame of a game


def test_play_frame_has_a_screen_and_bars_of_the_policys_length():
    pytest.importorskip("cv2")
    screen = np.random.default_rng(0).integers(0, 255, (210, 160, 3), dtype=np.uint8)
    frame = plots.play_frame(screen, [0.5, 0.25, 0.25, 0.0], [0.1, 0.2, 0.3], ["NOOP", "UP", "DOWN", "FIRE"], 1, -3)
    assert frame.shape == (420, 640, 3) and frame.dtype == np.uint8
    np.testing.assert_array_equal(frame[:420:2, :320:2], screen)
    rows = frame[[215, 245, 275, 305], 320:]  # the bars' middles
    lengths = [int((np.abs(row.astype(int) - colour).max(axis=-1) == 0).sum())
               for row, colour in zip(rows, (BAR, CHOSEN, BAR, BAR))]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=2) and lengths[1] == pytest.approx(lengths[2], abs=1)
    assert lengths[0] > 60 and lengths[3] == 0


@pytest.mark.parametrize("height, width, actions", [(401, 299, 2), (84, 84, 18), (7, 5, 1), (600, 400, 3)])
def test_play_frame_is_even_for_every_screen(height, width, actions):
    pytest.importorskip("cv2")
    names, policy = [f"action {i}" for i in range(actions)], np.full(actions, 1.0 / actions)
    frame = plots.play_frame(np.full((height, width, 3), 255, np.uint8), policy, np.nan, names, 0, 1e6)
    assert frame.shape[0] % 2 == 0 and frame.shape[1] % 2 == 0 and frame.shape[0] >= 420
    assert tuple(frame[2, -2]) == NIGHT
    one_line(lambda: plots.play_frame(np.zeros((8, 8, 3), np.uint8), policy, 0.0, names + ["more"], 0, 0.0))
