"""The numbered programs of examples/ run to their end on small budgets, each in a process and a folder of its own."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "examples"
NUMBERED = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))
VALUES = r"\[( *-?\d+\.\d*){4} *\]"
# Program -> what is given to it, and lines that it prints.
SMALL = {
    "01_catch.py": ([], [r"before: -?\d\.\d+", r"after: +\d\.\d+"]),
    "02_own_gradient_step.py": ([], [r"policy\.head\.weight .*\|gradient\|", r"loss before \d+\.\d+ after \d+\.\d+"]),
    "03_pong.py": ([400, 2], [r"2 games: -?\d+\.\d \+- \d+\.\d"]),
    "04_one_step_q.py": ([500], ["max_a Q +" + VALUES, r"gamma\^\(3-place\) \[0\.97  *0\.98 ", "score without"]),
    "05_one_step_sarsa.py": ([500], ["OneStepQ +max_a Q +" + VALUES, "OneStepSarsa +max_a Q +" + VALUES,
                                     r"by hand +\[0\.497 0\.627 0\.792 1\. "]),
    "06_n_step_q.py": ([300, 500], [f"{n} steps   {name} +max_a Q {VALUES}" for n in (300, 500)
                                    for name in ("one-step Q", "n-step Q")]),
    "07_a3c.py": ([300, 500], [rf"{n}( +-?\d\.\d\d){{4}}\n" for n in (300, 500)]),
    "08_lstm_memory.py": ([500], [r"feed-forward -?\d", r"LSTM +-?\d", r"answer [01]   reward [+-]1"]),
    "09_continuous.py": (["Pendulum-v1", 500], [r"before: -\d+", r"after: +-\d+",
                                                r"mean \[-?\d+\.\d+\]   variance \d\.\d{3}"]),
    "10_optimizers.py": ([2, 300], [rf"{name} +learning rate \d\.\de-\d+   final score +-?\d\.\d\d"
                                    for name in ("shared RMSProp", "RMSProp", "momentum SGD")]),
}


def run(name, folder, *arguments, before=""):
    """A program in ``folder``, as a person starts it, or after a line of Python; returns what it printed."""
    path = str(FOLDER / name)
    how = [path] if not before else ["-c", f"{before}; import runpy; runpy.run_path({path!r}, run_name='__main__')"]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    result = subprocess.run([sys.executable, *how, *map(str, arguments)], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "Warning" not in result.stderr
    return result.stdout


def test_every_program_is_run_here():
    assert list(SMALL) == NUMBERED


@pytest.mark.parametrize("name", SMALL)
def test_runs_and_prints(name, tmp_path):
    arguments, lines = SMALL[name]
    out = run(name, tmp_path, *arguments)
    for line in lines:
        assert re.search(line, out), out


def test_the_first_one_learns_and_the_second_goes_downhill(tmp_path):
    before, after = (float(score) for score in re.findall(r"-?\d\.\d+", run("01_catch.py", tmp_path)))
    assert before < 0 and after > 0.8
    before, after = (float(loss) for loss in re.findall(r"(\d+\.\d+)", run("02_own_gradient_step.py", tmp_path))[-2:])
    assert after < before


def test_q_learning_finds_the_values_worked_out_by_hand(tmp_path):
    line = re.search(r"max_a Q +\[(.*)\]", run("04_one_step_q.py", tmp_path, 30_000))
    assert np.array(line[1].split(), float) == pytest.approx([0.970, 0.980, 0.990, 1], abs=0.02)


def test_the_comparison_of_optimizers_leaves_a_picture_or_without_opencv_a_table(tmp_path):
    from a3c_numba.pictures.canvas import load_cv2

    load_cv2()
    assert "optimizers.png" in run("10_optimizers.py", tmp_path, 2, 100)
    assert (tmp_path / "optimizers.png").read_bytes().startswith(b"\x89PNG")
    assert "optimizers.csv" in run("10_optimizers.py", tmp_path, 2, 100, before=HIDE)
    rows = list(csv.DictReader((tmp_path / "optimizers.csv").open()))
    assert len(rows) == 2 and list(rows[0]) == ["learning_rate", "shared RMSProp", "RMSProp", "momentum SGD"]
    assert all(1e-4 <= float(row["learning_rate"]) <= 1e-2 and -1 <= float(row["RMSProp"]) <= 1 for row in rows)


HIDE = "import sys; sys.modules['cv2'] = None"
