"""Speed-ups: the arithmetic of the table by hand, runs that do not get there, and the command."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from a3c_numba.studies.speedup import Count, Run, interval, summary, table
from tests.programs import program
from tests.cli.test_cli import elsewhere, refused  # noqa: F401
from tests.runs.test_run_folder import rows

NAN = math.nan


@pytest.fixture
def trained(monkeypatch):
    """No run is trained: k workers, and 50 % more of a later seed, need 120 / k seconds and 1 000 + k steps;
    ``trained.fail`` holds pairs of workers and seeds that never get there."""
    kept = SimpleNamespace(configs=[], fail=set(), stop_at=None, started=99)

    def watched(config, target):
        if len(kept.configs) + 1 == kept.stop_at:
            raise KeyboardInterrupt
        kept.configs.append((config, target))
        there = 2.0 + 120 / config.workers * (1 + config.seed / 2), 1000 + config.workers
        reached = None if (config.workers, config.seed) in kept.fail else there
        return None, SimpleNamespace(begun=2.0, reached=reached, active=min(config.workers, kept.started))
    monkeypatch.setattr("a3c_numba.studies.speedup.train_to_score", watched)
    return kept


def speedup(*arguments, out="out"):
    return program("speedup", "Catch", "--target-score", 0.5, "--out", out, *arguments)


def cells(line):
    return line.split()


def test_the_speedup_is_the_first_counts_over_each():
    runs = [Run(1, 0, 100.0, 5000.0, 1), Run(2, 0, 40.0, 4000.0, 2), Run(4, 0, 25.0, 10000.0, 4)]
    counts = [Count(1, 1, 1, 100.0, 5000.0, 1.0, 1.0), Count(2, 1, 1, 40.0, 4000.0, 2.5, 1.25),
              Count(4, 1, 1, 25.0, 10000.0, 4.0, 0.5)]
    assert summary(runs, [1, 2, 4]) == counts
    assert summary(runs, [4, 1])[1][5:7] == (0.25, 2.0)


def test_the_means_of_several_seeds_are_compared():
    runs = [Run(1, 0, 100.0, 5000.0, 1), Run(1, 1, 300.0, 7000.0, 1),
            Run(2, 0, 80.0, 1000.0, 2), Run(2, 1, 20.0, 2000.0, 2)]
    assert summary(runs, [1, 2]) == [Count(1, 2, 2, 200.0, 6000.0, 1.0, 1.0), Count(2, 2, 2, 50.0, 1500.0, 4.0, 4.0)]


def test_a_ratio_of_three_seeds_has_an_interval():
    times = [80.0, 100.0, 120.0]
    runs = [Run(k, seed, seconds / k, 100.0 * k, k) for k in (1, 2) for seed, seconds in enumerate(times)]
    first, second = summary(runs, [1, 2])
    assert all(math.isnan(x) for x in first[7:])
    assert 80 / 60 <= second.time_low < 1.8 < 2.0 < 2.2 < second.time_high <= 120 / 40
    assert second.data_low == second.data_high == second.speedup_data == 0.5
    _, _, line = table([first, second], 100).splitlines()
    wide = table([second._replace(speedup_time=36.76, time_low=28.11, time_high=48.07)], 100).splitlines()[1]
    assert cells(wide)[4:7] == ["50.0", "200", "36.76"]
    assert f"2.00 ({second.time_low:.2f} to {second.time_high:.2f})" in line and line.endswith("0.50 (0.50 to 0.50)")


def test_the_interval_is_a_resampled_ratio_of_means():
    """Of many runs it is that of the normal distribution: a ratio of means of 1, each with a variance of 0.04 / 400."""
    one, two = np.random.default_rng(1).normal(1, 0.2, (2, 400))
    low, high = interval(list(one), list(two))
    half = 1.96 * 0.2 * math.sqrt(2 / 400)
    assert high - low == pytest.approx(2 * half, rel=0.1) and low < one.mean() / two.mean() < high
    assert all(math.isnan(x) for x in interval([1.0, 2.0], [1.0, 2.0, 3.0]))


def test_what_is_not_reached_is_no_number():
    runs = [Run(1, 0, 100.0, 5000.0, 1), Run(2, 0, NAN, NAN, 2), Run(4, 0, 50.0, 5000.0, 4)]
    first, second, third = summary(runs, [1, 2, 4])
    assert second[:3] == (2, 1, 0) and all(math.isnan(x) for x in second[3:])
    assert first[5:7] == (1.0, 1.0) and third[5:7] == (2.0, 1.0)
    some = summary([Run(1, 0, 100.0, 5000.0, 1), Run(1, 1, NAN, NAN, 1)], [1])[0]
    assert some[:3] == (1, 2, 1) and all(math.isnan(x) for x in some[3:])


def test_a_first_count_that_misses_the_target_gives_no_ratio():
    first, second = summary([Run(1, 0, NAN, NAN, 1), Run(2, 0, 50.0, 4000.0, 2)], [1, 2])
    assert second[3:5] == (50.0, 4000.0) and all(math.isnan(x) for x in (*first[3:], *second[5:]))


def test_the_table_says_it_all():
    rows = [Count(1, 2, 2, 100.0, 5000.0, 1.0, 1.0), Count(2, 2, 2, 40.0, 4000.0, 2.5, 1.25),
            Count(4, 2, 1, NAN, NAN, NAN, NAN), Count(16, 1, 0, NAN, NAN, NAN, NAN), Count(8, 1, 1, 9.0, 9.0, NAN, NAN)]
    head, *lines = table(rows, 90_000).splitlines()
    assert cells(head) == ["workers", "reached", "seconds", "steps", "speed-up:", "time", "data"]
    assert cells(lines[0]) == ["1", "2", "of", "2", "100.0", "5,000", "1.00", "1.00"]
    assert cells(lines[1]) == ["2", "2", "of", "2", "40.0", "4,000", "2.50", "1.25"]
    assert lines[2].split("  ")[-1].strip() == "not reached within 90,000 steps by every seed"
    assert lines[3].split("  ")[-1].strip() == "not reached within 90,000 steps" and "0 of 1" in lines[3]
    assert cells(lines[4])[-2:] == ["--", "--"] and "nan" not in "".join(lines)


def test_a_study_trains_to_the_score_and_reports_it(capsys):
    assert program("speedup", "Catch", "--workers", "1,2", "--target-score", "-1", "--total-steps", "1e6", "--out",
                   "out") == 0
    one, two = rows(Path("out/speedup_runs.csv"))
    assert one["steps"] == "180" and 180 <= int(two["steps"]) < 300      # the twentieth game of nine steps
    assert 0 < float(one["seconds"]) < 60 and 0 < float(two["seconds"]) < 60
    first, second = rows(Path("out/speedup.csv"))
    assert tuple(first) == Count._fields and first["speedup_time"] == first["speedup_data"] == "1"
    assert float(second["speedup_data"]) == pytest.approx(180 / int(two["steps"]))
    assert float(second["speedup_time"]) == pytest.approx(float(one["seconds"]) / float(two["seconds"]))
    out = capsys.readouterr().out
    assert "1 worker, seed 0: score -1 after " in out and "speed-up: time" in out


def test_a_score_that_is_out_of_reach_is_said_to_be(capsys):
    assert program("speedup", "Catch", "--workers", 1, "--target-score", 2, "--total-steps", 500, "--out", "out") == 0
    row, = rows(Path("out/speedup_runs.csv"))
    count, = rows(Path("out/speedup.csv"))
    assert (row["seconds"], row["steps"]) == ("", "") and count["reached"] == "0" and count["speedup_time"] == ""
    assert capsys.readouterr().out.count("not reached within 500 steps") == 2


def test_every_count_gets_every_seed(trained, capsys):
    trained.fail = {(4, 6)}
    assert speedup("--workers", "1,4,2", "--seeds", 2, "--seed", 5, "--discount", 0.5, "--algorithm", "n_step_q",
                   "--learning-rate", 3e-3) == 0
    runs = [(config.workers, config.seed) for config, _ in trained.configs]
    assert runs == [(1, 5), (1, 6), (4, 5), (4, 6), (2, 5), (2, 6)]
    for config, target in trained.configs:
        assert target == 0.5 and config.algorithm.discount == 0.5 and type(config.algorithm).__name__ == "NStepQ"
        assert config.optimizer.learning_rate == 3e-3
    counts = rows(Path("out/speedup.csv"))
    assert [(row["workers"], row["reached"]) for row in counts] == [("1", "2"), ("4", "1"), ("2", "2")]
    assert counts[1]["seconds"] == "" and float(counts[2]["speedup_time"]) == 2.0
    assert float(counts[0]["seconds"]) == pytest.approx(120 * (3.5 + 4) / 2)       # from the first update on


def test_an_interrupted_study_goes_on_and_can_get_more_counts(trained):
    trained.stop_at = 2
    assert speedup("--workers", "1,2") == 130
    assert len(rows(Path("out/speedup_runs.csv"))) == 1 and not Path("out/speedup.csv").exists()
    trained.stop_at = None
    assert speedup("--workers", "1,2") == 0 and len(trained.configs) == 2
    assert speedup("--workers", "1,2,8") == 0 and len(trained.configs) == 3
    assert [row["speedup_time"] for row in rows(Path("out/speedup.csv"))] == ["1", "2", "8"]
    assert speedup("--workers", "2,8") == 0 and len(trained.configs) == 3
    assert [row["speedup_time"] for row in rows(Path("out/speedup.csv"))] == ["1", "4"]


def test_a_score_reached_before_all_workers_trained_is_spoken_of(trained, capsys):
    trained.started = 2
    for _ in range(2):                                                   # also when the runs are there already
        assert speedup("--workers", "1,2,4") == 0
        lines = capsys.readouterr().out.splitlines()[:3]
        assert ["too soon" in line for line in lines] == [False, False, True] and "2 of the workers" in lines[2]
    assert [row["active"] for row in rows(Path("out/speedup_runs.csv"))] == ["1", "2", "2"]


def test_more_workers_than_cores_are_spoken_of(trained, capsys, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert speedup("--workers", "1,2", out="few") == 0
    assert "cores" not in capsys.readouterr().err
    assert speedup("--workers", "1,16", out="many") == 0
    assert "more workers than cores (2)" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, words", [
    (["--workers", "1,two"], ["--workers", "'two'"]), (["--workers", "1,,2"], ["--workers", "''"]),
    (["--workers", "0,1"], ["workers", "got 0"]), (["--workers", "1,0"], ["workers", "got 0"]),
    (["--workers", "1,2,1"], ["workers must be distinct", "1,2,1"]),
    (["--target-score", "nan"], ["target-score", "nan"]),
    (["--target-score", "high"], ["--target-score", "'high'"]), (["--seeds", "0"], ["seeds must be at least 1"]),
    (["--seed", "-1"], ["seed"]), (["--total-steps", "0"], ["total_steps"]),
    (["--learning-rate", "nan"], ["learning_rate"]), (["--preset", "paper"], ["convolutional"]),
    (["--out", "file/out"], ["cannot write to file/out"])])
def test_what_cannot_be_used_is_one_line_and_nothing_is_begun(capsys, trained, arguments, words):
    Path("file").write_text("")
    line = refused(capsys, "speedup", "Catch", "--target-score", "0.5", *arguments)
    assert all(word in line for word in words) and not trained.configs


def test_the_score_has_to_be_given(capsys, trained):
    assert "--target-score" in refused(capsys, "speedup", "Catch")


@pytest.mark.parametrize("arguments, words", [
    (["--target-score", "0.6"], ["target_score 0.5, not 0.6"]), (["--total-steps", "70"], ["total_steps"]),
    (["--epsilon", "0.2"], ["optimizer.epsilon"])])
def test_a_folder_with_another_study_is_refused(capsys, trained, arguments, words):
    assert speedup("--workers", "1") == 0
    capsys.readouterr()
    line = refused(capsys, "speedup", "Catch", "--workers", "1", "--target-score", "0.5", "--out", "out", *arguments)
    assert all(word in line for word in words)


@pytest.mark.parametrize("file, what", [("config.json", "a run"), ("sweep.json", "a sweep")])
def test_a_folder_of_another_command_is_refused(capsys, trained, file, what):
    Path("out").mkdir()
    Path("out", file).write_text("precious")
    line = refused(capsys, "speedup", "Catch", "--target-score", "0.5", "--out", "out")
    assert f"out holds {what} ({file}): give another --out" in line and not trained.configs


def test_a_speedups_folder_takes_no_run(capsys, trained):
    assert speedup("--workers", "1") == 0
    capsys.readouterr()
    line = refused(capsys, "train", "Catch", "--workers", 1, "--total-steps", 100, "--out", "out")
    assert "out holds a speed-up (speedup_runs.json): give another --out" in line
