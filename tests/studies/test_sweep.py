"""Sweeps: what is drawn, what is written, and how one goes on after an interruption."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from a3c_numba.studies.drawn_parameter import Draw, DrawnParameter
from a3c_numba.studies.sweep import Run, drawn
from tests.programs import program, small
from tests.promises import undisturbed, until
from tests.cli.test_cli import elsewhere, refused  # noqa: F401
from tests.runs.test_run_folder import rows
from tests.system.test_signals import ended, heed_sigint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trained(monkeypatch):
    """No run is trained; their configurations are kept, and the one that ``trained.stop_at`` counts is interrupted."""
    kept = SimpleNamespace(configs=[], stop_at=None)

    def watched(config):
        if len(kept.configs) + 1 == kept.stop_at:
            raise KeyboardInterrupt
        kept.configs.append(config)
        score = 100 * config.optimizer.learning_rate
        return (SimpleNamespace(mean_score=score, global_step=config.total_steps + 3, seconds=1.5),
                SimpleNamespace(best=score + 1))
    monkeypatch.setattr("a3c_numba.studies.sweep.train_to_score", watched)
    return kept


def sweep(*arguments, out="out"):
    return program("sweep", "Aim", "--total-steps", 400, "--workers", 1, "--out", out, *arguments)


def without_seconds(out="out"):
    return [tuple(row.values())[:-1] for row in rows(Path(out) / "sweep.csv")]


@pytest.mark.parametrize("text, expected", [
    ("loguniform:1e-4:1e-2", ("loguniform", 1e-4, 1e-2)), ("uniform:0.001:0.002", ("uniform", 1e-3, 2e-3)),
    ("7e-4", ("fixed", 7e-4, 7e-4))])
def test_distributions_are_read(text, expected):
    assert Draw.read(text) == Draw(*expected)


@pytest.mark.parametrize("text", [
    "", "fast", "0", "-1e-3", "nan", "inf", "loguniform", "loguniform:1e-4", "normal:1:2", "loguniform:0:1",
    "loguniform:1e-2:1e-4", "uniform:1:1", "uniform:-1:1", "fixed:1:2", "fixed:1:1", "uniform:1:2:3", "uniform:1:inf",
    "loguniform:nan:1", "loguniform::", "1:1"])
def test_other_distributions_are_refused(text):
    with pytest.raises(ValueError) as error:
        Draw.read(text)
    assert "learning-rate must be" in str(error.value) and repr(text) in str(error.value)


def test_draws_fill_their_range_evenly():
    rng = np.random.default_rng(0)
    for text, middle in (("loguniform:1e-4:1e-2", 1e-3), ("uniform:1e-4:1e-2", 5.05e-3)):
        rates = Draw.read(text)
        draws = np.array([rates.draw(rng) for _ in range(4000)])
        assert 1e-4 <= draws.min() < 1.05e-4 and 9.5e-3 < draws.max() <= 1e-2
        assert np.mean(draws < middle) == pytest.approx(0.5, abs=4 * 0.5 / 4000**0.5)
    assert Draw.read("0.5").draw(rng) == 0.5


def test_a_run_follows_from_the_sweeps_seed_and_its_number_alone():
    rates, config = DrawnParameter(Draw.read("loguniform:1e-4:1e-2")), small(seed=4)
    runs = [drawn(config, rates, number) for number in range(1, 60)]
    assert drawn(config, rates, 7) == runs[6]
    assert len({run.seed for run in runs}) == len({run.optimizer.learning_rate for run in runs}) == 59
    other = drawn(small(seed=5), rates, 7)
    assert other.seed != runs[6].seed and other.optimizer.learning_rate != runs[6].optimizer.learning_rate
    assert drawn(config, DrawnParameter(Draw.read("2e-3")), 7).seed == runs[6].seed


def test_the_help_has_one_learning_rate(capsys):
    assert program("sweep", "--help") == 0
    out = capsys.readouterr().out
    assert out.count("\n  --learning-rate ") == 1 and "loguniform:LOW:HIGH" in out and "--entropy-weight" in out


def test_a_sweep_trains_and_writes_a_row_a_run(capsys):
    assert sweep("--runs", 2, "--learning-rate", "uniform:0.001:0.01", "--seed", 3, "--hidden", 5) == 0
    out = capsys.readouterr().out.splitlines()
    table = rows(Path("out/sweep.csv"))
    assert tuple(table[0]) == Run._fields and [row["run"] for row in table] == ["1", "2"] and len(out) == 2
    for row, line in zip(table, out):
        assert 400 <= int(row["steps"]) < 420 and 0 <= float(row["score"]) <= float(row["best"]) <= 4
        assert 0.001 <= float(row["learning_rate"]) <= 0.01 and float(row["seconds"]) > 0
        assert line.startswith(f"run {row['run']}/2 ") and f"score {float(row['score']):.2f} " in line
    assert json.loads(Path("out/sweep.json").read_text())["network"]["hidden"] == 5
    assert sweep("--runs", 1, "--learning-rate", "uniform:0.001:0.01", "--seed", 3, "--hidden", 5, out="again") == 0
    assert without_seconds("again") == without_seconds()[:1]             # one worker: the same run, to the last digit


def test_options_reach_every_run(trained):
    assert sweep("--runs", 3, "--learning-rate", "2e-3", "--algorithm", "one_step_q", "--optimizer", "momentum_sgd",
                 "--discount", 0.5, "--preset", "classic") == 0
    for config in trained.configs:
        assert type(config.algorithm).__name__ == "OneStepQ" and config.algorithm.discount == 0.5
        assert type(config.optimizer).__name__ == "MomentumSGD" and config.optimizer.learning_rate == 2e-3
        assert (config.total_steps, config.workers) == (400, 1)
    assert len({config.seed for config in trained.configs}) == 3
    assert [row["seed"] for row in rows(Path("out/sweep.csv"))] == [str(config.seed) for config in trained.configs]


def test_the_papers_distribution_and_fifty_runs_are_the_default(trained, monkeypatch):
    counts = []
    monkeypatch.setattr("a3c_numba.studies.sweep.scatter_plot", lambda x,
                        *_: counts.append(len(x)))  # fifty take a while
    assert program("sweep", "Aim", "--seed", 2) == 0
    assert len(trained.configs) == len(rows(Path("runs/Aim-sweep-s2/sweep.csv"))) == 50
    rates = [config.optimizer.learning_rate for config in trained.configs]
    assert 1e-4 < min(rates) < 3e-4 and 3e-3 < max(rates) < 1e-2
    assert counts == list(range(1, 51))


def test_an_interrupted_sweep_goes_on_where_it_was(trained, capsys):
    assert sweep("--runs", 5, out="whole") == 0
    trained.configs.clear()
    trained.stop_at = 3
    assert sweep("--runs", 5) == 130
    assert len(rows(Path("out/sweep.csv"))) == 2 and "Traceback" not in capsys.readouterr().err
    trained.stop_at = None
    assert sweep("--runs", 5) == 0
    assert len(trained.configs) == 5 and Path("out/sweep.csv").read_bytes() == Path("whole/sweep.csv").read_bytes()


def test_a_quiet_sweep_says_nothing(trained, capsys):
    assert sweep("--runs", 2, "--quiet") == 0 and sweep("--runs", 3, "--quiet") == 0
    assert capsys.readouterr() == ("", "") and len(rows(Path("out/sweep.csv"))) == 3


def test_only_missing_runs_are_made(trained):
    assert sweep("--runs", 4) == 0
    table = Path("out/sweep.csv")
    whole = table.read_text().splitlines(keepends=True)
    table.write_text("".join(whole[:2] + whole[3:]) + "5,12")            # without run 2, and with a piece of run 5
    trained.configs.clear()
    assert sweep("--runs", 4) == 0 and len(trained.configs) == 1
    assert sorted(table.read_text().splitlines(keepends=True)) == sorted(whole)
    assert sweep("--runs", 6) == 0 and len(trained.configs) == 3         # a sweep can be made longer
    assert sweep("--runs", 2) == 0 and len(trained.configs) == 3


def test_a_run_without_an_episode_has_no_score(monkeypatch, capsys):
    nothing = SimpleNamespace(mean_score=None, global_step=400, seconds=1.0), SimpleNamespace(best=math.nan)
    monkeypatch.setattr("a3c_numba.studies.sweep.train_to_score", lambda config: nothing)
    assert sweep("--runs", 1) == 0 and sweep("--runs", 1) == 0
    assert [row["score"] + row["best"] for row in rows(Path("out/sweep.csv"))] == [""]
    assert "score --  best --" in capsys.readouterr().out


def test_the_picture_is_drawn_after_each_run(trained, monkeypatch):
    pytest.importorskip("cv2")
    seen = []
    monkeypatch.setattr("a3c_numba.studies.sweep.scatter_plot", lambda x, y, *rest: seen.append((list(x), list(y))))
    assert sweep("--runs", 3) == 0
    rates = [config.optimizer.learning_rate for config in trained.configs]
    assert seen == [(rates[:k], [100 * rate for rate in rates[:k]]) for k in (1, 2, 3)]


def test_the_picture_lies_beside_the_table(trained):
    pytest.importorskip("cv2")
    assert sweep("--runs", 2) == 0
    assert Path("out/scatter.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in Path("out").iterdir()) == ["scatter.png", "sweep.csv", "sweep.json"]


def test_without_opencv_one_line_says_what_to_install(trained, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert sweep("--runs", 3) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "opencv" in line]
    assert len(said) == 1 and said[0].startswith("no scatter plot: ")
    assert len(rows(Path("out/sweep.csv"))) == 3 and not Path("out/scatter.png").exists()


@pytest.fixture
def no_picture(monkeypatch):
    """One a run takes a while."""
    monkeypatch.setattr("a3c_numba.studies.sweep.scatter_plot", lambda *_: None)


def test_another_number_is_drawn_log_uniformly(trained, no_picture, capsys):
    assert sweep("--runs", 20, "--parameter", "entropy-weight", "--range", "1e-4", "1e-2") == 0
    weights = [config.algorithm.entropy_weight for config in trained.configs]
    table, out = rows(Path("out/sweep.csv")), capsys.readouterr().out
    assert tuple(table[0]) == tuple("entropy_weight" if name == "learning_rate" else name for name in Run._fields)
    assert [float(row["entropy_weight"]) for row in table] == pytest.approx(weights)
    assert 1e-4 <= min(weights) < 5e-4 and 2e-3 < max(weights) <= 1e-2 and f"entropy weight {weights[0]:.2e}  " in out
    assert {config.optimizer.learning_rate for config in trained.configs} == {small().optimizer.learning_rate}
    assert json.loads(Path("out/sweep.json").read_text())["entropy_weight"]["kind"] == "loguniform"
    assert sweep("--runs", 21, "--parameter", "entropy_weight", "--range", "1e-4", "1e-2") == 0     # goes on
    assert len(trained.configs) == 21


def test_whole_numbers_are_drawn_whole(trained, no_picture, capsys):
    assert sweep("--runs", 12, "--parameter", "t_max", "--range", 2, 40, "--learning-rate", "2e-3") == 0
    lengths = [config.algorithm.t_max for config in trained.configs]
    assert all(type(length) is int and 2 <= length <= 40 for length in lengths) and len(set(lengths)) > 3
    assert [row["t_max"] for row in rows(Path("out/sweep.csv"))] == list(map(str, lengths))
    assert f"t max {lengths[0]}  " in capsys.readouterr().out
    assert {config.optimizer.learning_rate for config in trained.configs} == {2e-3}
    assert sweep("--runs", 12, "--parameter", "t_max", "--range", 2, 40, "--learning-rate", "2e-3") == 0
    assert len(trained.configs) == 12


@pytest.mark.parametrize("arguments, words", [
    (["--parameter", "t_max"], "belong together"), (["--range", "1", "2"], "belong together"),
    (["--parameter", "entropy_wieght", "--range", "1", "2"], "got 'entropy_wieght'; did you mean entropy_weight"),
    (["--parameter", "workers", "--range", "1", "2"], "parameter must be a number of this run's parts"),
    (["--parameter", "recurrent", "--range", "1", "2"], "parameter must be a number of this run's parts"),
    (["--parameter", "cells", "--range", "1", "2"], "cells has no effect without recurrent"),
    (["--parameter", "t_max", "--range", "1.5", "2"], "t_max is a whole number; got 1.5"),
    (["--parameter", "discount", "--range", "0.9", "2"], "discount must be at least 0 and at most 1; got 2"),
    (["--parameter", "discount", "--range", "0.9", "0.5"], "range must be LOW HIGH with 0 < LOW < HIGH; got 0.9 0.5"),
    (["--parameter", "discount", "--range", "0", "0.5"], "0 < LOW"),
    (["--parameter", "t_max", "--range", "1"], "--range"),
    (["--parameter", "discount", "--range", "nan", "0.5"], "0 < LOW"),
    (["--parameter", "discount", "--range", "0.1", "0.5", "--discount", "0.9"], "exclude each other"),
    (["--parameter", "learning_rate", "--range", "1e-4", "1e-3", "--learning-rate", "1e-3"], "exclude each other"),
    (["--parameter", "t_max", "--range", "2", "4", "--learning-rate", "uniform:1:2"], "learning-rate must be a numb")])
def test_a_parameter_that_cannot_be_drawn_is_one_line(capsys, trained, arguments, words):
    assert words in refused(capsys, "sweep", "Aim", *arguments) and not trained.configs


def test_a_sweep_of_another_parameter_is_another_sweep(capsys, trained):
    assert sweep("--runs", 1) == 0
    capsys.readouterr()
    line = refused(capsys, "sweep", "Aim", "--total-steps", 400, "--workers", 1, "--out", "out", "--parameter", "t_max",
                   "--range", 2, 9)
    assert "--out" in line


@pytest.mark.parametrize("arguments, words", [
    (["--runs", "0"], ["runs must be at least 1; got 0"]), (["--runs", "many"], ["--runs", "'many'"]),
    (["--learning-rate", "loguniform:1:0"], ["learning-rate", "LOW < HIGH", "'loguniform:1:0'"]),
    (["--learning-rate", "nan"], ["learning-rate", "'nan'"]), (["--workers", "0"], ["workers"]),
    (["--total-steps", "0"], ["total_steps"]), (["--seed", "-1"], ["seed"]), (["--preset", "best"], ["--preset"]),
    (["--algorithm", "ddpg"], ["--algorithm"]), (["--discount", "2"], ["discount"]), (["--dense", "9"], ["--dense"]),
    (["--out", "file/out"], ["cannot write to file/out"]), (["--preset", "paper"], ["convolutional"]),
    (["--resume", "x"], ["--resume"])])
def test_what_cannot_be_used_is_one_line_and_nothing_is_begun(capsys, trained, arguments, words):
    Path("file").write_text("")
    line = refused(capsys, "sweep", "Aim", *arguments)
    assert all(word in line for word in words) and not trained.configs


def test_an_environment_that_is_not_there(capsys, trained):
    assert "did you mean" in refused(capsys, "sweep", "CartPol-v1")


@pytest.mark.parametrize("arguments, words", [
    (["--seed", "1"], ["seed 0, not 1"]), (["--learning-rate", "1e-3"], ["learning_rate.kind loguniform, not fixed"]),
    (["--discount", "0.5"], ["algorithm.discount"]), (["--total-steps", "500"], ["total_steps 400, not 500"]),
    (["--algorithm", "n_step_q"], ["algorithm"]), (["--workers", "2"], ["workers 1, not 2"])])
def test_a_folder_with_another_sweep_is_refused(capsys, trained, arguments, words):
    assert sweep("--runs", 1) == 0
    capsys.readouterr()
    line = refused(capsys, "sweep", "Aim", "--runs", 1, "--total-steps", 400, "--workers", 1, "--out", "out",
                   *arguments)
    assert all(word in line for word in words) and "--out" in line


@pytest.mark.parametrize("file, what", [("config.json", "a run"), ("latest.npz", "a run"),
                                        ("speedup_runs.json", "a speed-up")])
def test_a_folder_of_another_command_is_refused(capsys, trained, file, what):
    Path("out").mkdir()
    Path("out", file).write_text("precious")
    line = refused(capsys, "sweep", "Aim", "--out", "out")
    assert f"out holds {what} ({file}): give another --out" in line and not trained.configs


@pytest.mark.parametrize("more", [[], ["--overwrite"]], ids="".join)
def test_a_sweeps_folder_takes_no_run(capsys, trained, more):
    assert sweep("--runs", 1) == 0
    capsys.readouterr()
    line = refused(capsys, "train", "Aim", "--workers", 1, "--total-steps", 100, "--out", "out", *more)
    assert "out holds a sweep (sweep.json): give another --out" in line


def test_a_sweep_goes_on_beside_what_came_into_its_folder_later(trained):
    assert sweep("--runs", 1) == 0
    Path("out/config.json").write_text("mine")
    assert sweep("--runs", 2) == 0 and len(trained.configs) == 2


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
@undisturbed
@pytest.mark.long
def test_ctrl_c_loses_the_run_under_way_and_nothing_else(tmp_path):
    """Two runs of one episode each, and a third that would never end."""
    code = ("import sys, dataclasses, a3c_numba.studies.sweep as s\n"
            "draw = s.drawn\n"
            "s.drawn = lambda c, r, n: dataclasses.replace(draw(c, r, n), total_steps=9 if n < 3 else 10**9)\n"
            "from a3c_numba.cli import main as cli\nif __name__ == '__main__': sys.exit(cli.main(sys.argv[1:]))\n")
    (tmp_path / "program.py").write_text(code)
    command = [sys.executable, tmp_path / "program.py", "sweep", "Catch", "--runs", "4", "--workers", "1", "--out",
               tmp_path / "out"]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True, preexec_fn=heed_sigint,
                               env=os.environ | {"PYTHONPATH": str(ROOT)})
    table = tmp_path / "out" / "sweep.csv"
    until(lambda: table.exists() and len(table.read_text().splitlines()) >= 3)
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    returncode, _ = ended(process)
    assert returncode == 130
    with open(table, newline="") as file:
        assert [row["run"] for row in csv.DictReader(file)] == ["1", "2"]
    assert not [path for path in table.parent.iterdir() if path.name.startswith(".")]
