"""The portrait of an agent: which steps are looked at, and the files that are written."""

import argparse
import shutil

import numpy as np
import pytest

from a3c_numba.cli.portrait import add_arguments, run
from a3c_numba.core.networks import Convolutional
from a3c_numba.diagnostics import portrait
from a3c_numba.diagnostics.saliency import Eye
from a3c_numba.inference import Policy
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import save
from a3c_numba.runs.run_folder import default_checkpoint
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import colours, image, program, small

cv2 = pytest.importorskip("cv2")


def shown(**parts):
    """An agent that has learned nothing, in an environment of images that draws itself; a game has 7 steps."""
    return initial_checkpoint(configure("tests.programs:Shown-v0", **({"network": Convolutional(dense=8)} | parts)))


def command(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(word) for word in words]))


def frames_of(path):
    reader, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = reader.read()
        if not there:
            return frames
        frames.append(frame)


@pytest.mark.parametrize("network", [Convolutional(dense=8), Convolutional(dense=8, recurrent=True, cells=6)])
def test_each_step_is_what_the_agent_saw_and_said(network):
    """The screen is that of the observation, not of the step after it; the value and the maps are of this step."""
    start = shown(network=network)
    evaluator = portrait.evaluator_of(start, seed=0)
    steps = list(portrait.looks(evaluator, 100))
    assert len(steps) == 7
    np.testing.assert_array_equal(steps[0].screen[..., 0], steps[0].obs[..., -1])      # it has no other
    for number, step in enumerate(steps[1:], 1):
        assert (step.screen == number).all()                             # Shown draws how many steps it has made
    policy = Policy(evaluator.policy.network, start.config.algorithm, evaluator.env.action_space, start.theta)
    eye, state = Eye(policy.network, policy.pi, start.theta), policy.initial_state(1)
    for step in steps:
        outputs, state = policy.outputs(step.obs[None], state)
        assert step.value == pytest.approx(float(outputs[1][0, 0]), abs=1e-6)
        np.testing.assert_allclose(step.layers["heads.value"], outputs[1][0], atol=1e-6)
        maps = eye.saliency_maps(step.obs, step.action)
        assert list(step.maps) == ["V", "log pi(a)"]
        for name in maps:
            np.testing.assert_array_equal(step.maps[name], maps[name])


def test_no_more_steps_than_asked_for():
    assert len(list(portrait.looks(portrait.evaluator_of(shown(), seed=0), 3))) == 3


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.long
def test_of_images_there_is_a_film(tmp_path, capsys, suffix):
    save(tmp_path / "agent.npz", shown())
    assert command(tmp_path / "agent.npz", "-o", tmp_path / "a" / "b", "--video", suffix) == 0
    files = [tmp_path / "a" / "b" / name for name in ("filters.png", "activations.png", f"saliency{suffix}")]
    assert capsys.readouterr().out.splitlines() == [str(file) for file in files]
    assert sorted(files[0].parent.iterdir()) == sorted(files)
    assert len(frames_of(files[2])) == 6                                 # of the first there is no screen of its size
    for file in files[:2]:
        assert colours(cv2.imread(str(file))) > 50


@pytest.mark.parametrize("start, asked", [
    (lambda: shown(algorithm="one_step_q"), ["max Q"]),
    (lambda: initial_checkpoint(configure("tests.programs:Steered-v0", network=Convolutional(dense=8))),
     ["V", "log pi(a)"])])
def test_other_heads_are_drawn_too(tmp_path, start, asked):
    checkpoint = start()
    steps = list(portrait.looks(portrait.evaluator_of(checkpoint, 0), 2))
    assert list(steps[0].maps) == asked
    paths = portrait.draw(checkpoint, tmp_path, 5, 0, ".mp4")
    assert len(frames_of(paths[2])) == 4


def test_an_environment_without_pictures_shows_its_observations(tmp_path):
    checkpoint = initial_checkpoint(configure(image, network=Convolutional(dense=8)))
    checkpoint.theta[:] *= 3
    evaluator = portrait.evaluator_of(checkpoint, 0)
    evaluator.env.unwrapped.render = lambda: None
    for step in portrait.looks(evaluator, 3):
        np.testing.assert_array_equal(step.screen, np.repeat(step.obs[..., -1:], 3, axis=2))


def test_of_vectors_there_is_one_picture_and_of_a_run_its_curve(catch_run, tmp_path, capsys):
    assert command(catch_run, "-o", tmp_path) == 0
    names = ["filters.png", "activations.png", "saliency.png", "curve.png"]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in names]
    for name in names:
        assert cv2.imread(str(tmp_path / name)) is not None


def test_the_first_layer_of_an_lstm_of_vectors(tmp_path):
    start = initial_checkpoint(small("Memory"))
    portrait.draw(start, tmp_path, 5, 0, ".mp4")
    assert (tmp_path / "filters.png").exists()


def test_the_final_agent_of_a_run_is_portrayed(catch_run, tmp_path):
    shutil.copy(catch_run / "final.npz", tmp_path / "latest.npz")
    assert default_checkpoint(tmp_path) == tmp_path / "latest.npz"
    assert default_checkpoint(catch_run) == catch_run / "final.npz"
    (tmp_path / "final.npz").write_bytes(b"broken")
    assert program("portrait", tmp_path, "-o", tmp_path / "portrait") == 2
    assert not (tmp_path / "portrait").exists()


@pytest.mark.parametrize("words, why", [
    (("nothing.npz",), "nothing.npz"), ((".",), "holds no checkpoint"), (("agent.npz", "--steps", 1), "steps must be"),
    (("agent.npz", "--steps", 10**6), "steps must be")])
def test_bad_input_is_one_line_and_leaves_no_folder(tmp_path, monkeypatch, words, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=why) as error:
        command(*words, "-o", "out")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
