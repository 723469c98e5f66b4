"""Which of a run's checkpoints are written when, and what is said of those that cannot be."""

import dataclasses

import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load, save
from a3c_numba.runs.checkpointer import Checkpointer
from a3c_numba.runs.progress import WINDOW
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.trainer import initial_checkpoint
from tests.programs import small


@pytest.fixture
def start():
    return initial_checkpoint(small("Catch", total_steps=1000))


def at(start, step, score=None):
    return dataclasses.replace(start, global_step=step, mean_score=score, statistics=np.zeros_like(start.theta))


def saver_of(start, path):
    return Checkpointer(RunFolder(path), start, 1)


def taken(path):
    """A folder where a file should be."""
    (path / "something").mkdir(parents=True)


def free(path):
    (path / "something").rmdir()
    path.rmdir()


def written(folder):
    return sorted(path.name for path in folder.glob("*.npz") if path.is_file())


def test_a_run_that_has_not_begun_has_nothing_on_the_disk(start, tmp_path):
    checkpointer = saver_of(start, tmp_path)
    assert checkpointer.step is None and checkpointer.best == -np.inf
    assert saver_of(at(start, 200), tmp_path).step == 200


def test_each_file_when_it_is_due(start, tmp_path):
    checkpointer = saver_of(start, tmp_path)
    for step, score, episodes, more in [(100, None, 0, []), (200, 0.5, WINDOW - 1, []),
                                        (300, 0.5, WINDOW, ["best.npz"]), (400, 0.4, WINDOW, ["best.npz"])]:
        assert checkpointer.save(at(start, step, score), episodes) is None
        assert written(tmp_path) == more + ["latest.npz"] and checkpointer.step == step
    assert load(tmp_path / "best.npz").global_step == 300 and checkpointer.best == 0.5
    checkpointer.save(at(start, 1000, 0.6), WINDOW)
    assert load(tmp_path / "best.npz").global_step == load(tmp_path / "final.npz").global_step == 1000
    assert checkpointer.events.sentences() == []


def test_a_resumed_run_keeps_a_better_best(start, tmp_path):
    save(tmp_path / "best.npz", at(start, 100, 20.0))
    checkpointer = saver_of(at(start, 100), tmp_path)
    checkpointer.save(at(start, 200, 15.0), WINDOW)
    assert checkpointer.best == load(tmp_path / "best.npz").mean_score == 20.0


@pytest.mark.parametrize("name", ["latest.npz", "best.npz", "final.npz"])
def test_a_file_that_is_refused_is_named_once_and_costs_no_other(start, tmp_path, name):
    checkpointer = saver_of(start, tmp_path)
    taken(tmp_path / name)
    errors = [checkpointer.save(at(start, step, 0.5), WINDOW) for step in (1000, 1001)]
    assert all(isinstance(error, OSError) for error in errors)
    assert checkpointer.events.sentences() == [f"{name} could not be written, what was there stays: {errors[0]}"]
    assert {"latest.npz", "best.npz", "final.npz"} - {name} <= set(written(tmp_path)) and checkpointer.step == 1001
    free(tmp_path / name)
    assert checkpointer.save(at(start, 1002, 0.6), WINDOW) is None
    assert checkpointer.events.sentences()[1:] == [f"{name} is written again"] and name in written(tmp_path)
    (tmp_path / name).unlink()
    taken(tmp_path / name)
    checkpointer.save(at(start, 1003, 0.7), WINDOW)
    said = checkpointer.events.sentences()
    assert len(said) == 3 and said[2].startswith(f"{name} could not be written")


def test_what_is_not_on_the_disk_is_not_the_best_nor_the_newest(start, tmp_path):
    checkpointer = saver_of(start, tmp_path)
    for name in ("latest.npz", "best.npz"):
        taken(tmp_path / name)
    assert isinstance(checkpointer.save(at(start, 100, 0.5), WINDOW), OSError)
    assert checkpointer.step is None and checkpointer.best == -np.inf and written(tmp_path) == []
