"""The wall clock is set back an hour while a run is on its way: nothing is measured by it, so nothing changes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load

from tests.faults.environments import Slow
from tests.runs.test_run_folder import rows
from tests.test_house_rules import FILES, IDS, tree_of

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parent.parent.parent
WALL_CLOCK = {("time", name) for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")}
WALL_CLOCK |= {("datetime", name) for name in ("now", "utcnow", "today")} | {("date", "today")}
STAMPS = {"runs/tensorboard.py"}         # files in which a person is to read the date and the time of day


def clocks_of(tree):
    """What a file reads or imports of modules that tell the time, as (module or class, name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            yield (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")), node.attr
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            yield from ((node.module, alias.name) for alias in node.names)


def test_a_reading_of_the_wall_clock_is_found():
    for line in ("time.time()", "from time import time", "datetime.datetime.now()", "datetime.now()", "time.ctime"):
        assert WALL_CLOCK & set(clocks_of(ast.parse(line))), line
    for line in ("time.monotonic()", "time.sleep(1)", "from time import monotonic", "self.time()"):
        assert not WALL_CLOCK & set(clocks_of(ast.parse(line))), line


@pytest.mark.parametrize("path", [path for path, name in zip(FILES, IDS) if name not in STAMPS],
                         ids=[name for name in IDS if name not in STAMPS])
def test_time_is_measured_by_the_monotonic_clock(path):
    assert not WALL_CLOCK & set(clocks_of(tree_of(path)))


# The command line, with a report at every look; its own clock is set back once a row tells of the first steps.
PROGRAM = """
import sys, time
from a3c_numba.cli import main as cli
from a3c_numba.training import trainer
from a3c_numba.runs.run_folder import RunFolder
from tests.faults.environments import set_clock_back

trainer.REPORT_SECONDS = 0.0
append, moved = RunFolder.append_progress, []

def append_progress(self, row):
    append(self, row)
    if {set_back} and row.global_step and not moved:
        moved.append(time.time())
        set_clock_back()
        assert time.time() < moved[0] - 3000

RunFolder.append_progress = append_progress
if __name__ == "__main__":
    code = cli.main(sys.argv[1:])
    assert bool(moved) == {set_back}
    sys.exit(code)
"""


def started(folder, env, set_back):
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM.format(set_back=set_back))
    command = [sys.executable, str(folder / "program.py"), "train", f"tests.faults.environments:{env}-v0", "--workers",
               "1", "--total-steps", "1500", "--out", str(folder / "run")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.long
def test_a_run_whose_clocks_are_set_back_is_the_same_run(tmp_path):
    """In the main process and in the worker, each on its way; one worker's run is repeatable to the last bit."""
    runs = {env: started(tmp_path / env, env, env == "SetBack") for env in ("Slow", "SetBack")}
    ends = {env: process.communicate()[1] for env, process in runs.items()}
    assert [process.returncode for process in runs.values()] == [0, 0], ends
    last = [load(tmp_path / env / "run" / "final.npz", Slow) for env in runs]
    np.testing.assert_array_equal(last[0].theta, last[1].theta)
    np.testing.assert_array_equal(last[0].statistics, last[1].statistics)
    assert last[0].global_step == last[1].global_step >= 1500
    table = rows(tmp_path / "SetBack" / "run" / "progress.csv")
    steps, seconds = ([float(row[name]) for row in table] for name in ("global_step", "seconds"))
    assert sum(0 < step < last[1].global_step for step in steps) > 2
    assert seconds == sorted(seconds) and 0 < seconds[-1] < 600
    assert all(0 <= float(row["steps_per_second"]) < 10_000 for row in table)       # at most 1 000, roughly looked at
    times = [float(row["seconds"]) for row in rows(tmp_path / "SetBack" / "run" / "episodes.csv")]
    assert times == sorted(times) and 0 < times[-1] <= seconds[-1]
