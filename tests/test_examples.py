"""The numbered programs of examples/ run to their end on small budgets, each in a process and a folder of its own.

01 to 10 are the path of lessons, 11 to 21 the package at work.
"""

import ast
import csv
import functools
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NUMBERED = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))
LESSONS = NUMBERED[:10]
LONGEST = {"07_lock_free.py": 94, "09_a3c_in_one_file.py": 130}
SLOWEST = {"09_a3c_in_one_file.py", "11_catch.py", "13_one_step_q.py", "18_continuous.py", "20_own_parts.py"}
VALUES = r"\[( *-?\d+\.\d*){4} *\]"
SAME = r"the package's (layer|kernel|convolution) says the same: \d+e[-+]\d+ apart"
# Program -> what is given to it, and lines that it prints.
SMALL = {
    "01_dense.py": ([], [r"step 100 +W +\d\.\d{3} +b +-\d\.\d{3} +L +\d", "the best line: W", SAME]),
    "02_differences.py": ([], [r"W .*agrees\n", r"b .*agrees\n", r"b, wrong .*WRONG\n", r"both sides, double +best h"]),
    "03_convolution.py": ([], [r"x \(12, 12\) -> P \(100, 9\) -> y \(100, 2\)", SAME,
                               r"overlap: \[-3\. +0\. +3\. -3\. +0\. +3\.\] ="]),
    "04_policy_gradient.py": ([], ["by hand and by differences: ", SAME, r"beta +0 .* sure of .* +\d+% of learners"]),
    "05_returns.py": ([], [r"terminated:  R \[0\.81 0\.9 +1\. +0\. +\]",
                           r"cut, V 0\.8:  R \[1\.335 1\.483 1\.648 0\.72 +\]", SAME,
                           r"t_max 5 +error of V after 5 episodes 0\.\d+"]),
    "06_rmsprop.py": ([], [SAME, *(rf"{name} +L after  0: +65\.5 .*L after 60: +\d"
                                   for name in ("plain", "momentum", "rmsprop"))]),
    "07_lock_free.py": ([4000], [r"lock-free +additions lost [\d,]+ of 200,000,000", "copies torn",
                                 r"as many of \+1 as of -1: from [-+]\d+ to [-+]\d+",
                                 r"locked +additions lost 0 of ", r"least squares: error 0\.\d+ after \d"]),
    "08_lstm.py": ([], [rf"d_{name} over 5 steps, by hand and by differences: " for name in "Wbx"]
                   + [SAME, r"forget bias +4 .* of the gradient +\d+\.\d% is left"]),
    "09_a3c_in_one_file.py": ([2000, 1], [r"mean return over time:( -?\d\.\d\d){15}\n", "4 processes, 8,000 episodes"]),
    "10_pong.py": ([400, 2], [r"dense\.weight +\(2592, 256\) +663,552 numbers", r"2 games: -?\d+\.\d \+- \d+\.\d",
                              "400 steps were too few", "10_pong.png: no curve: no game .*; runs/pong: all"]),
    "11_catch.py": ([], [r"before: -?\d\.\d+", r"after: +\d\.\d+"]),
    "12_own_gradient_step.py": ([], [r"policy\.head\.weight .*\|gradient\|", r"loss before \d+\.\d+ after \d+\.\d+"]),
    "13_one_step_q.py": ([30_000], ["max_a Q +" + VALUES, r"gamma\^\(3-place\) \[0\.97  *0\.98 ", "score without"]),
    "14_one_step_sarsa.py": ([500], ["OneStepQ +max_a Q +" + VALUES, "OneStepSarsa +max_a Q +" + VALUES,
                                     r"by hand +\[0\.497 0\.627 0\.792 1\. "]),
    "15_n_step_q.py": ([300, 500], [f"{n} steps   {name} +max_a Q {VALUES}" for n in (300, 500)
                                    for name in ("one-step Q", "n-step Q")]),
    "16_a3c.py": ([300, 500], [rf"{n}( +-?\d\.\d\d){{4}}\n" for n in (300, 500)]),
    "17_lstm_memory.py": ([500], [r"feed-forward -?\d", r"LSTM +-?\d", r"answer [01]   reward [+-]1"]),
    "18_continuous.py": (["Pendulum-v1", 500], [r"before: -\d+", r"after: +-\d+",
                                                r"mean \[-?\d+\.\d+\]   variance \d\.\d{3}"]),
    "19_optimizers.py": ([2, 100], [rf"{name} +learning rate \d\.\de-\d+   final score +-?\d\.\d\d"
                                    for name in ("shared RMSProp", "RMSProp", "momentum SGD")]),
    "20_own_parts.py": ([500], [r"policy\.norm\.gain +worst error \de-\d+", "AGREE: ", "without the parts: .*HuberA3C",
                                r"with them: +-?\d\.\d"]),
    "21_tracker.py": ([500], [r"score of 100 games: -?\d\.\d+   progress in tracker\.jsonl.*\n"
                              r'\{"step": 5\d\d, "score": -?\d.*, "value_loss": \d.*\}']),
}


def run(name, folder, *arguments, before=""):
    """Run a program in ``folder`` by its file, or after a line of Python; return what it printed."""
    path = str(FOLDER / name)
    how = [path] if not before else ["-c", f"{before}; import runpy; runpy.run_path({path!r}, run_name='__main__')"]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    result = subprocess.run([sys.executable, *how, *map(str, arguments)], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What a program printed for its arguments, and its folder; each is run once in all tests."""
    @functools.cache
    def once(name, *arguments):
        folder = tmp_path_factory.mktemp(name.removesuffix(".py"))
        return run(name, folder, *arguments), folder
    return once


def with_a_changed(name, folder, before, after):
    """A copy of a lesson in ``folder`` with ``before``, found once, replaced: a reader's mistake."""
    source = (FOLDER / name).read_text()
    assert source.count(before) == 1
    (folder / name).write_text(source.replace(before, after))
    return folder / name


def test_every_program_is_run_here():
    assert list(SMALL) == NUMBERED


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long) if name in SLOWEST else name
                                  for name in SMALL])
def test_runs_and_prints(name, ran):
    arguments, lines = SMALL[name]
    out, folder = ran(name, *arguments)
    for line in lines:
        assert re.search(line, out), out
    for apart in re.findall(r"(\d+e[-+]\d+) apart", out):
        assert float(apart) < 1e-6, out
    if name in LESSONS:
        picture = (folder / name).with_suffix(".png")
        assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size > 5_000


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_short_and_has_new_notice_and_try(name):
    source = (FOLDER / name).read_text()
    assert 40 <= len(source.splitlines()) <= LONGEST.get(name, 90)
    assert source.startswith(f'"""Lesson {int(name[:2])}: ')
    assert re.search(r"\nNew: +\w.*\nNotice: +\w.*\nTry: +\S", source, re.DOTALL)


def test_the_whole_of_a3c_has_one_statement_a_line():
    """Nor several assignments in one: ``a, b = x, y``."""
    nodes = [node for node in ast.walk(ast.parse((FOLDER / "09_a3c_in_one_file.py").read_text()))
             if isinstance(node, ast.stmt)]
    assert len({node.lineno for node in nodes}) == len(nodes) > 60
    assert not [node.lineno for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)]


@pytest.mark.parametrize("name, before, after", [
    ("01_dense.py", "d_b = d_y.sum(axis=0)", "d_b = d_y.mean(axis=0)"),
    ("03_convolution.py", "d_x[a:a + k, b:b + k] += row", "d_x[a:a + k, b:b + k] = row"),
    ("04_policy_gradient.py", "d_H = -pi * (log_pi + H)", "d_H = -pi * log_pi"),
    ("05_returns.py", "R = reward + discount * R", "R = discount * (reward + R)"),
    ("06_rmsprop.py", "+ (1 - alpha) * d * d", "+ d * d"),
    ("08_lstm.py", "d_c = d_c * f  ", "d_c = d_c * 1  "),
])
@pytest.mark.long
def test_a_mistake_in_a_lesson_is_seen_in_what_it_prints(name, before, after, tmp_path):
    out = run(with_a_changed(name, tmp_path, before, after), tmp_path)
    assert any(float(apart) > 1e-3 for apart in re.findall(r"(\d+e[-+]\d+) apart", out)), out


@pytest.mark.parametrize("name, before, after", [
    ("03_convolution.py", "k, stride, SIDE = 3, 1, 12", "k, stride, SIDE = 3, 2, 12"),
    ("03_convolution.py", "((1, 1), (2, 1))", "((4, 1), (4, 3))"),
    ("06_rmsprop.py", "(-9.0, 1.0), 0.1", "(-9.0, 1.0), 100"),
    ("06_rmsprop.py", "START, EPSILON = 50.0", "START, EPSILON = 500.0"),
])
def test_what_a_lesson_says_to_try_is_no_mistake(name, before, after, tmp_path):
    out = run(with_a_changed(name, tmp_path, before, after), tmp_path)
    assert re.search(SAME, out) and all(float(apart) < 1e-6 for apart in re.findall(r"(\d+e[-+]\d+) apart", out)), out


def test_differences_tell_the_wrong_gradient_from_the_right_ones(ran):
    errors = [float(error) for error in re.findall(r"worst error (\S+)", ran("02_differences.py")[0])]
    assert len(errors) == 3 and max(errors[:2]) < 1e-8 and errors[2] > 0.1


def test_entropy_keeps_learners_from_getting_stuck(ran):
    out, _ = ran("04_policy_gradient.py")
    none, some, much = re.findall(r"arm (\d\.\d+) .*: +(\d+)% of .* H (\d\.\d+)", out)
    assert float(none[0]) < 0.92 and int(none[1]) > 5
    assert float(some[0]) > 0.94 and int(some[1]) < 4
    assert float(much[0]) < 0.65 and float(much[2]) > 0.65


def test_a_lock_loses_nothing_and_both_ways_find_the_answer(ran):
    out, _ = ran("07_lock_free.py", 4000)
    assert re.findall(r"with an unwritten number (\d+)", out) == ["0", "0"]
    assert re.search(r"locked +additions lost 0 of .*\n.* from \+0 to \+0\n +copies torn 0 of ", out), out
    errors = [float(error) for error in re.findall(r"error (\d\.\d+) after", out)]
    assert len(errors) == 2 and max(errors) < 0.1                        # it starts at 1, and noise leaves 0.02


def test_an_open_forget_gate_lets_a_gradient_back(ran):
    left = [float(share) for share in re.findall(r"gradient +(\d+\.\d)% is left", ran("08_lstm.py")[0])]
    assert left == sorted(left) and left[0] < 0.1 and left[-1] > 50


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.long
def test_a3c_in_one_file_learns(seed, ran):
    means = re.search(r"over time:(.*)", ran("09_a3c_in_one_file.py", 2000, seed)[0])[1].split()
    assert float(means[0]) < 0.2 and np.mean([float(mean) for mean in means[-3:]]) > 0.9


def test_pong_is_never_trained_over_another_run(tmp_path, monkeypatch):
    new_folder = runpy.run_path(str(FOLDER / "10_pong.py"))["new_folder"]
    monkeypatch.chdir(tmp_path)
    for name in ("pong", "pong-2", "pong-3"):
        assert new_folder() == Path("runs", name)
        new_folder().mkdir(parents=True)


@pytest.mark.long
def test_the_first_one_learns_and_the_second_goes_downhill(ran):
    before, after = (float(score) for score in re.findall(r"-?\d\.\d+", ran("11_catch.py")[0]))
    assert before < 0 and after > 0.8
    losses = re.findall(r"(\d+\.\d+)", ran("12_own_gradient_step.py")[0])[-2:]
    assert float(losses[1]) < float(losses[0])


@pytest.mark.long
def test_q_learning_finds_the_values_worked_out_by_hand(ran):
    line = re.search(r"max_a Q +\[(.*)\]", ran("13_one_step_q.py", 30_000)[0])
    assert np.array(line[1].split(), float) == pytest.approx([0.970, 0.980, 0.990, 1], abs=0.02)


@pytest.mark.long
def test_optimizers_writes_a_picture_or_without_opencv_a_table(ran, tmp_path):
    from a3c_numba.plots.canvas import load_cv2

    load_cv2()
    out, folder = ran("19_optimizers.py", 2, 100)
    assert "optimizers.png" in out and (folder / "optimizers.png").read_bytes().startswith(b"\x89PNG")
    assert "optimizers.csv" in run("19_optimizers.py", tmp_path, 2, 100, before=HIDE)
    rows = list(csv.DictReader((tmp_path / "optimizers.csv").open()))
    assert len(rows) == 2 and list(rows[0]) == ["learning_rate", "shared RMSProp", "RMSProp", "momentum SGD"]
    assert all(1e-4 <= float(row["learning_rate"]) <= 1e-2 and -1 <= float(row["RMSProp"]) <= 1 for row in rows)


HIDE = "import sys; sys.modules['cv2'] = None"


def test_the_picture_over_time_is_drawn(tmp_path):
    out = tmp_path / "clock.png"
    subprocess.run([sys.executable, FOLDER / "pong" / "wall_clock.py", out], check=True, timeout=100)
    assert out.read_bytes().startswith(b"\x89PNG") and out.stat().st_size > 50_000
