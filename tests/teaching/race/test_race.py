"""The race for theta: what is counted of a recording, and real workers that are recorded."""

import argparse
import csv

import numpy as np
import pytest

from a3c_numba.cli.race import add_arguments, run
from a3c_numba.teaching.race import figures as race
from a3c_numba.teaching.race.recorder import COLUMNS, RaceRecorder, Recording
from a3c_numba.training.supervisor import WorkerDied
from tests.programs import colours, raises_in_step, small


def recording_of(writes, lost=(0,)):
    """A recording of (worker, read, write_begin, write_end)."""
    rows = np.zeros((len(writes), len(COLUMNS)), np.int64)
    for name, values in zip(("worker", "read", "write_begin", "write_end"), zip(*writes)):
        rows[:, COLUMNS.index(name)] = values
    return Recording(max(worker for worker, *_ in writes) + 1, 0, 1.0, rows, np.array(lost))


def at_random(seed, workers=3, updates=40):
    """Workers whose writes follow one another, each read at the end of the write before."""
    rng, writes = np.random.default_rng(seed), []
    for worker in range(workers):
        edges = np.cumsum(rng.integers(1, 30, 2 * updates + 1))
        writes += [(worker, edges[2 * k], edges[2 * k + 1], edges[2 * k + 2]) for k in range(updates)]
    return recording_of(sorted(writes, key=lambda write: write[3])), writes


def test_staleness_and_overlap_by_hand():
    """Worker 1 reads at 5, others write at 10-12 and 20-22, it writes at 21-29: two came between, one meanwhile."""
    recording = recording_of([(0, 0, 10, 12), (0, 12, 20, 22), (1, 5, 21, 29)])
    np.testing.assert_array_equal(race.staleness(recording), [0, 0, 2])
    np.testing.assert_array_equal(race.overlaps(recording), [0, 1, 1])


def test_writes_that_only_touch_do_not_overlap():
    np.testing.assert_array_equal(race.overlaps(recording_of([(0, 0, 10, 20), (1, 0, 20, 30)])), [0, 0])


@pytest.mark.parametrize("seed", range(5))
def test_staleness_and_overlap_as_loops_count_them(seed):
    recording, _ = at_random(seed)
    rows = list(zip(*(recording.column(name) for name in ("worker", "read", "write_begin", "write_end"))))
    stale = [sum(v != w and read < (b + e) / 2 < (begin + end) / 2 for v, _, b, e in rows)
             for w, read, begin, end in rows]
    overlaps = [sum(v != w and b < end and e > begin for v, _, b, e in rows) for w, _, begin, end in rows]
    np.testing.assert_array_equal(race.staleness(recording), stale)
    np.testing.assert_array_equal(race.overlaps(recording), overlaps)
    assert max(stale) > 1 and max(overlaps) > 0


def test_figures_by_hand():
    recording = recording_of([(0, 0, 10, 12), (0, 12, 20, 22), (1, 5, 21, 29), (1, 29, 40, 41)], lost=(0, 1, 2, 0, 1))
    figures = race.figures(recording)
    assert figures == (2, 4, 4.0, 0.5, 2, 0.5, 0.2, 0.5)
    head, line = race.table([figures]).splitlines()
    assert len(head) == len(line) and line.split() == ["2", "4", "4", "0.50", "2", "50.00%", "20.00000%", "50.000%"]


def test_nothing_recorded_is_said():
    empty = Recording(2, 0, 0.001, np.zeros((0, len(COLUMNS)), np.int64), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="2 workers made no update in 0.001 s"):
        race.figures(empty)


@pytest.fixture(scope="module")
def crowd():
    with RaceRecorder(small("Catch", hidden=64, workers=2, total_steps=10**6)) as made:
        yield made
    assert not any(process.is_alive() for process in made.processes)


def recorded(crowd, workers, seconds=0.3):
    """A recording on which all of them are, more than once, and met; on a busy machine it takes longer."""
    for _ in range(7):
        recording = crowd.record(workers, seconds)
        updates = np.bincount(recording.column("worker"), minlength=workers)
        if updates.min() > 5 and (workers == 1 or race.staleness(recording).any()):
            return recording
        seconds *= 2
    raise AssertionError(f"the workers never met in {seconds / 2:g} s: the test shows nothing")


def test_one_worker_loses_nothing_and_is_never_stale(crowd):
    recording = recorded(crowd, 1)
    assert not recording.lost.any() and len(recording.lost) == len(crowd.start.theta)
    assert not race.staleness(recording).any() and not race.overlaps(recording).any()
    np.testing.assert_array_equal(np.rint(crowd.tally.theta), len(recording.rows))


def test_two_workers_at_once(crowd):
    recording = recorded(crowd, 2)
    assert set(recording.column("worker")) == {0, 1}
    assert recording.lost.min() >= 0 and recording.lost.max() < len(recording.rows)
    np.testing.assert_array_equal(recording.lost, len(recording.rows) - np.rint(crowd.tally.theta))


def test_a_diary_is_in_order(crowd):
    recording = recorded(crowd, 2)
    times = [recording.column(name) for name in ("read", "play_begin", "play_end", "write_begin", "write_end")]
    assert (np.diff(times, axis=0) >= 0).all() and times[0].min() >= recording.begin
    steps = [recording.column(name) for name in COLUMNS if name.startswith("T_")]
    assert (np.diff(steps, axis=0) >= 0).all() and steps[0].min() == 0
    assert crowd.shared.global_step() > steps[-1].max()                  # its own steps are added after its write
    for worker in (0, 1):
        mine = recording.column("worker") == worker
        np.testing.assert_array_equal(recording.column("read")[mine][1:], recording.column("write_end")[mine][:-1])


def test_every_recording_starts_with_the_same_theta(crowd):
    begun = crowd.start.theta.copy()
    for _ in range(2):
        recording = recorded(crowd, 1)
        assert recording.column("T_read")[0] == 0 and (crowd.shared.theta != begun).any()
    np.testing.assert_array_equal(crowd.start.theta, begun)


def test_a_method_acting_on_theta_has_read_when_play_starts():
    with RaceRecorder(small("Corridor", algorithm="one_step_q", total_steps=10**6)) as crowd:
        recording = recorded(crowd, 1)
    np.testing.assert_array_equal(recording.column("read"), recording.column("play_begin"))


def test_a_worker_that_fails_is_heard():
    with RaceRecorder(small(raises_in_step, total_steps=10**6)) as crowd:
        with pytest.raises(WorkerDied, match="worker 0 failed(.|\n)*the environment is broken"):
            crowd.record(1, 5.0)
    assert not any(process.is_alive() for process in crowd.processes)


def command(*words):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(word) for word in words]))


@pytest.mark.long
def test_the_command_draws_and_tells(tmp_path, capsys):
    cv2 = pytest.importorskip("cv2")
    out = tmp_path / "race.png"
    assert command("Corridor", "--workers", 2, "--compare", "1", "--seconds", 1, "-o", out) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:3]] == ["workers", "1", "2"]
    names = ["race.png", "race.csv", "race-elements.csv", "race-workers.csv"]
    assert printed[3:] == [str(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    picture = cv2.imread(str(out))
    assert picture.shape[1] == 1400 and colours(picture) > 20
    tables = [list(csv.DictReader((tmp_path / name).open())) for name in names[1:]]
    updates, elements, workers = tables
    for row in workers:
        mine = [line for line in updates if line["workers"] == row["workers"]]
        assert len(mine) == int(row["updates"])
        assert np.mean([int(line["staleness"]) for line in mine]) == pytest.approx(float(row["mean_staleness"]))
        lost = [int(line[f"lost_by_{row['workers']}"]) for line in elements]
        assert np.mean(lost) / len(mine) == pytest.approx(float(row["lost"]))


@pytest.mark.parametrize("words, why", [
    (("--workers", 0), "workers must be from 1 to 64"), (("--compare", "1,65"), "workers must be from 1 to 64"),
    (("--seconds", 0), "seconds must be above 0"), (("--seconds", "nan"), "seconds must be above 0"),
    (("-o", "race.txt"), "should end in .png or .jpg"), (("-o", "nowhere/race.png"), "cannot write to nowhere"),
    (("NoSuchEnvironment-v0",), "NoSuchEnvironment")])
def test_bad_input_is_one_line(words, why):
    with pytest.raises(ValueError, match=why) as error:
        command(*words)
    assert "\n" not in str(error.value)
