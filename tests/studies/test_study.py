"""What both studies stand on: a folder that is gone on with, and a run's score after every episode."""

import functools
import math
from typing import NamedTuple

import numpy as np
import pytest

from a3c_numba.core.rollout import Episode
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Update
from a3c_numba.studies.study import RunningScore, Study, StudyError, train_to_score
from a3c_numba.training.worker_status import RING, WorkerStatus
from tests.faults.environments import Odd
from tests.programs import small
from tests.runs.test_run_folder import progress

SETTINGS = {"env": "Aim", "optimizer": {"decay": 0.99, "layers": (1, 2)}}


class Row(NamedTuple):
    """A row."""

    run: int
    score: float


def opened(folder, settings=SETTINGS, row=Row):
    study = Study(folder, "trial", row)
    study.open(settings)
    return study


def refused(folder, settings=SETTINGS, row=Row):
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    with pytest.raises(StudyError) as error:
        opened(folder, settings, row)
    assert "\n" not in str(error.value) and {path: path.read_bytes() for path in folder.rglob("*")} == before
    return str(error.value)


def test_rows_are_there_again_when_it_is_gone_on_with(tmp_path):
    study = opened(tmp_path / "deep" / "study")
    study.append(Row(1, 0.5))
    study.append(Row(2, math.nan))
    assert (study.folder / "trial.csv").read_bytes() == b"run,score\n1,0.5\n2,\n"
    first, second = opened(study.folder).rows
    assert first == Row(1, 0.5) and type(first.run) is int and second.run == 2 and math.isnan(second.score)
    assert sorted(path.name for path in study.folder.iterdir()) == ["trial.csv", "trial.json"]


@pytest.mark.parametrize("tail", ["3", "3,0", "3,0.2"])
def test_a_row_that_was_cut_short_is_dropped(tmp_path, tail):
    study = opened(tmp_path)
    study.append(Row(1, 0.5))
    with open(study.table, "a") as file:
        file.write(tail)
    again = opened(tmp_path)
    again.append(Row(3, 0.25))
    assert study.table.read_text() == "run,score\n1,0.5\n3,0.25\n" and again.rows == [Row(1, 0.5), Row(3, 0.25)]


def test_a_table_that_was_not_begun_is(tmp_path):
    for whole in ("", "run,sc"):
        study = opened(tmp_path)
        study.table.write_text(whole)
        assert opened(tmp_path).rows == [] and study.table.read_text() == "run,score\n"
    study.table.unlink()
    opened(tmp_path).append(Row(1, 1.0))
    assert study.table.read_text() == "run,score\n1,1\n"


@pytest.mark.parametrize("settings, words", [
    ({"env": "Catch", "optimizer": SETTINGS["optimizer"]}, ["env Aim, not Catch"]),
    ({"env": "Aim", "optimizer": {"decay": 0.9, "layers": (1, 2)}}, ["optimizer.decay 0.99, not 0.9"]),
    ({"env": "Aim", "optimizer": {"decay": 0.99}}, ["optimizer.layers"]),
    (SETTINGS | {"seed": 3}, ["seed None, not 3"])])
def test_another_study_is_refused_with_what_is_different(tmp_path, settings, words):
    opened(tmp_path)
    line = refused(tmp_path, settings)
    assert "give another folder" in line and all(word in line for word in words)


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "trial.csv").write_text("precious")
    assert "trial.csv" in refused(tmp_path)
    (tmp_path / "trial.json").write_text("{")
    assert "trial.json" in refused(tmp_path)
    (tmp_path / "trial.json").write_text("[]")
    refused(tmp_path)


@pytest.mark.parametrize("table", ["run,points\n1,2\n", "run,score\n1\n", "run,score\n1,2,3\n", "run,score\n1.5,2\n",
                                   "run,score\n1,high\n"])
def test_a_table_of_another_kind_is_refused(tmp_path, table):
    opened(tmp_path).table.write_text(table)
    assert "trial.csv" in refused(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot write to .*file"):
        opened(tmp_path / "file" / "study")


# ---- the running score


def status_of(workers):
    return WorkerStatus(Shared(1, workers), workers)


def play(status, worker, scores, length=10):
    for score in scores:
        status.shared.advance(length)
        status.count_update(worker, Update(length, 0.0, 0.0, 1.0, Episode(score, length)))


def test_twenty_episodes_are_the_least_that_count():
    status = status_of(1)
    watch = RunningScore(status, target=0.5)
    play(status, 0, [1.0] * 19)
    assert watch(progress(190)) and math.isnan(watch.best) and watch.reached is None
    play(status, 0, [1.0] * 3)
    assert watch(progress(220)) is False and watch.best == 1.0
    assert watch.reached[1] == 200 and 0 < watch.reached[0] <= status.seconds()        # the twentieth, not the last


def test_the_mean_is_of_the_last_hundred_and_the_best_is_kept():
    status, scores = status_of(1), np.random.default_rng(0).normal(size=300).tolist()
    watch = RunningScore(status)
    for k in range(0, 300, 7):                                           # looked at now and then
        play(status, 0, scores[k:k + 7])
        assert watch(progress(1))
    means = [np.mean(scores[max(0, k - 99):k + 1]) for k in range(19, 300)]
    assert watch.best == pytest.approx(max(means)) and list(watch.scores) == scores[-100:]


def test_the_score_is_reached_once_and_where_it_was_first():
    status = status_of(1)
    watch = RunningScore(status, target=0.5)
    play(status, 0, [0.0] * 20 + [1.0] * 20 + [0.0] * 200)                # 20 of 40 at the 40th, and then less
    assert watch(progress(1)) is False and watch.reached[1] == 400
    play(status, 0, [1.0] * 200)
    assert watch(progress(1)) is False and watch.reached[1] == 400


def test_episodes_of_several_workers_are_taken_in_turn():
    status = status_of(2)
    watch = RunningScore(status, target=0.75)
    for k in range(30):
        play(status, k % 2, [float(k >= 5)])
    assert watch(progress(1)) is False                                   # 15 of 20 at the 20th
    assert watch.reached[1] == 200 and list(watch.scores) == [0.0] * 5 + [1.0] * 25


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_game_without_a_finite_score_is_left_out(bad):
    status = status_of(1)
    watch = RunningScore(status, target=0.5)
    play(status, 0, [bad] + [0.25] * 19)
    assert watch(progress(1)) and math.isnan(watch.best)                 # nineteen that count
    play(status, 0, [0.25, bad])
    assert watch(progress(1)) and watch.best == 0.25 and len(watch.scores) == 20
    play(status, 0, [1.0] * 10)
    assert watch(progress(1)) is False and watch.reached[1] == 320       # the 30th that counts
    assert np.isfinite(watch.scores).all()


def test_without_a_target_no_score_ends_a_run():
    status = status_of(1)
    watch = RunningScore(status)
    play(status, 0, [1e308] * 30)                                        # whose sum is infinite
    assert watch(progress(1)) and watch.reached is None


def test_the_workers_that_took_part_are_counted():
    status = status_of(3)
    watch = RunningScore(status, target=0.5)
    play(status, 0, [0.0] * 20)
    assert watch(progress(1)) and watch.active == 1
    play(status, 2, [1.0] * 20)
    assert watch(progress(1)) is False and watch.active == 2
    play(status, 1, [1.0])
    assert watch(progress(1)) is False and watch.active == 2


def test_a_ring_that_ran_over_gives_its_latest():
    status = status_of(1)
    watch = RunningScore(status)
    play(status, 0, [float(k) for k in range(RING + 50)])
    assert watch(progress(1)) and watch.best == np.mean(range(RING - 50, RING + 50))


def test_a_run_has_begun_when_it_was_last_seen_without_an_update():
    watch = RunningScore(status_of(1))
    for seconds, updates in ((0.5, 0), (0.75, 0), (1.0, 3), (9.0, 40)):
        watch(progress(1)._replace(seconds=seconds, updates=updates))
    assert watch.begun == 0.75


def test_a_run_is_watched_to_its_end():
    last, score = train_to_score(small("Catch", total_steps=1500))
    assert 1500 <= last.global_step < 1520 and score.reached is None
    assert len(score.scores) == 100 and last.mean_score == pytest.approx(np.mean(score.scores))
    assert last.mean_score <= score.best <= 1 and 0 <= score.begun < last.seconds


def test_an_infinite_reward_ends_no_run():
    last, score = train_to_score(small(functools.partial(Odd, rewards={55: math.inf}), total_steps=600))
    assert last.global_step >= 600 and len(score.scores) == last.global_step // 8 - 1 and 0 <= score.best <= 8


def test_a_run_ends_when_its_score_is_reached():
    last, score = train_to_score(small("Catch", total_steps=10**9), target=-1.0)
    assert score.reached[1] == 20 * 9 and score.begun < score.reached[0] <= last.seconds
    assert last.global_step < 10**9
