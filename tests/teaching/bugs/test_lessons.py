"""The parts of a lesson: patches that are applied and undone, the toys, and curves that show what the text says."""


import numpy as np
import pytest

from a3c_numba.core.optimizers import MomentumSGD
from a3c_numba.teaching.bugs import LESSONS
from a3c_numba.teaching.bugs.bug import Bug
from a3c_numba.teaching.bugs.lesson import PLAYED_BEFORE
from a3c_numba.teaching.bugs.lessons import (ADVANTAGE, ENTROPY_SIGN, FLOAT64, ONE_SEED, PAST_THE_END, STALE_FRAME,
                                             STATE_KEPT)
from a3c_numba.teaching.bugs.toys import Count, Jackpots, Lamp, LateCatch, LongCorridor
from a3c_numba.teaching.bugs.trial import BINS, Record
from tests.processes import together
from tests.promises import ATTEMPTS

CLIP = Bug("core.optimizers.base", "Optimizer.update", "norm = clip(d_theta, self.max_gradient_norm)",
           "norm = clip(d_theta.copy(), self.max_gradient_norm)")


def moved():
    """How far theta goes for a gradient of norm 50 and c = 1."""
    theta, m, local = np.zeros((3, 2))
    MomentumSGD(momentum=0.0, max_gradient_norm=1.0).update(theta, m, np.array([30.0, 40.0]), local, 1.0)
    return np.linalg.norm(theta)


def test_a_bug_exists_inside_with_and_is_gone_after_an_error():
    assert moved() == pytest.approx(1)
    with pytest.raises(LookupError), CLIP.injected():
        assert moved() == pytest.approx(50)
        raise LookupError
    assert moved() == pytest.approx(1)


@pytest.mark.parametrize("old", ["norm = clip(d_theta)", "return norm", ""])
def test_lines_that_are_not_there_once_are_refused(old):
    with pytest.raises(ValueError, match="no longer has the lines"):
        with Bug(CLIP.module, CLIP.function, old, "").injected():
            pass


def test_the_diff_is_the_lines():
    assert CLIP.diff().splitlines() == ["a3c_numba/core/optimizers/base.py, Optimizer.update",
                                        "-   norm = clip(d_theta, self.max_gradient_norm)",
                                        "+   norm = clip(d_theta.copy(), self.max_gradient_norm)"]


def in_a_worker(bug):
    """A process: the same bug, handed over."""
    with bug.injected():
        return float(moved())


def test_a_bug_can_be_handed_to_another_process():
    assert together(in_a_worker, [(CLIP,)]) == [pytest.approx(50)]


def test_eight_lessons_of_which_no_symptom_is_an_answer():
    assert len(LESSONS) == len({lesson.name for lesson in LESSONS}) == 8
    for lesson in LESSONS:
        assert lesson.name not in lesson.symptom and len(lesson.symptom) < 100
        assert lesson.text.count(".") >= 4 and lesson.tests


def test_bins_by_hand():
    record = Record(24 * 10, np.empty((0, 4)), np.empty((0, 6)))
    means = record.binned(np.array([0.0, 9, 10, 240, 250]), np.array([1.0, 3, 5, 7, 9]))
    assert means[[0, 1, BINS - 1]].tolist() == [2, 5, 8] and np.isnan(means[2:-1]).all()


def test_games_played_before_by_hand():
    """Worker 1's second game is as long as worker 0's second; its first is not; its third has no partner."""
    rows = [(0, 10, 1, 5), (0, 20, 1, 7), (1, 10, 1, 6), (1, 20, 1, 7), (1, 230, 1, 9)]
    share = PLAYED_BEFORE.curve(Record(240, np.array(rows, float), np.empty((0, 6))))
    assert share[[1, 2]].tolist() == [0, 1] and np.isnan(share[3:]).all()


def test_late_episodes_are_dropped_and_keep_their_numbers():
    unread = (np.nan, np.nan, np.nan)
    rows = [(0, *unread), (0, 20, 1, 7), (0, 30, 1, 6), (1, 10, 1, 6), (1, *unread), (1, 30, 1, 6)]
    record = Record(240, np.array(rows, float), np.empty((0, 6)))
    assert PLAYED_BEFORE.curve(record)[3] == 1 and np.isnan(np.delete(PLAYED_BEFORE.curve(record), 3)).all()
    np.testing.assert_array_equal(np.isnan(record.binned(*record.episodes[:, 1:3].T))[:4], [True, False, False, False])


# ---- toys


def returns(env, policy, games=400):
    """The mean return of ``policy(previous obs, obs, t)`` and the games' lengths."""
    total, lengths = 0.0, []
    for seed in range(games):
        obs, _ = env.reset(seed=seed)
        before, ended, t = obs, False, 0
        while not ended:
            action = policy(before, obs, t)
            before = obs
            obs, reward, terminated, truncated, _ = env.step(action)
            total, t, ended = total + reward, t + 1, terminated or truncated
        lengths.append(t)
    return total / games, lengths


def lit(obs):
    return int(obs[0, :, -1].argmax() // 28)


def test_a_lamp_seen_late_is_worth_what_its_docstring_says():
    now, lengths = returns(Lamp(), lambda before, obs, t: lit(obs), 50)
    late, _ = returns(Lamp(), lambda before, obs, t: lit(before), 50)
    assert now == 8 and set(lengths) == {8} and late == pytest.approx(4.5, abs=0.8)


def test_counting_is_worth_its_length_and_a_constant_two_fifths():
    counted, lengths = returns(Count(), lambda before, obs, t: t % 3)
    constant, _ = returns(Count(), lambda before, obs, t: 0)
    assert counted == np.mean(lengths) and set(lengths) == {4, 5, 6, 7, 8} and constant == pytest.approx(2.4, abs=0.1)


def test_the_other_toys():
    _, lengths = returns(LateCatch(), lambda before, obs, t: 1)
    assert set(lengths) == {5, 6, 7, 8, 9}
    hits, lengths = returns(Jackpots(), lambda before, obs, t: int(obs.argmax()))
    assert set(lengths) == {8} and 8 < hits < 8 * (1 + 99 * 0.01)
    assert returns(LongCorridor(), lambda before, obs, t: t % 3, 3) == (1, [5, 5, 5])


# ---- what the curves show, one seed of each


def ends(lesson, steps=None):
    """The last quarter of both curves, healthy and broken: ((A, B), (A, B))."""
    return [[np.nanmean(gauge.curve(lesson.record(0, steps, broken))[-BINS // 4:]) for gauge in lesson.gauges]
            for broken in (False, True)]


@pytest.mark.long
def test_past_the_end_values_run_away():
    (_, value), (_, broken_value) = ends(PAST_THE_END, 6000)
    assert -1 <= value <= 1 and abs(broken_value) > 10


@pytest.mark.long
def test_entropy_of_the_wrong_sign_finds_nothing():
    (score, _), (broken_score, entropy) = ends(ENTROPY_SIGN, 5000)
    assert score > 0.8 and broken_score == 0 and entropy < 0.05


@pytest.mark.long
def test_a_stale_frame_costs_what_was_worked_out():
    (score, _), (broken_score, _) = ends(STALE_FRAME, 2000)
    assert score > 7.5 and 3.5 < broken_score < 5.5


@pytest.mark.long
def test_one_seed_plays_the_same_games():
    for _ in range(ATTEMPTS):                                            # what was unread in time tells nothing
        share = PLAYED_BEFORE.curve(ONE_SEED.record(0, None, True))
        if np.isfinite(share).any():
            break
    assert np.nanmin(share) == np.nanmax(share) == 1


@pytest.mark.long
def test_a_kept_state_learns_only_the_most_frequent_answer():
    (score, _), (broken_score, _) = ends(STATE_KEPT)
    assert score > 5 and broken_score < 3


@pytest.mark.long
def test_an_advantage_not_constant_makes_values_too_large():
    (score, value), (broken_score, broken_value) = ends(ADVANTAGE)
    assert score > 0.5 > 0 > broken_score and value < 1 < broken_value


def test_float64_changes_the_scores_by_rounding_only():
    """Speed is not asserted: the machine may be busy."""
    sound, wide = (FLOAT64.record(0, 2000, broken) for broken in (False, True))
    np.testing.assert_array_equal(sound.episodes[:100, 2], wide.episodes[:100, 2])
    np.testing.assert_allclose(sound.updates[:20, 4], wide.updates[:20, 4], rtol=1e-3)
