"""One file cannot be written: the others are, and what is said of them is true."""

import os
import re
import resource
import signal

import pytest

from a3c_numba.plots.canvas import Canvas
from a3c_numba.runs.checkpoint import load
from tests.faults import gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import Run, until

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]

GATED = "tests.faults.gates:Gated-v0"


def taken(path):
    """A folder where a file should be."""
    path.unlink(missing_ok=True)
    (path / "something").mkdir(parents=True)


def free(path):
    (path / "something").rmdir()
    path.rmdir()


@pytest.mark.long
def test_final_is_written_where_latest_cannot_be(tmp_path):
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 2000) as run:
        run.trains()
        taken(run.out / "latest.npz")
        run.open()
        code, err = run.ended()
    assert code == 1 and "Traceback" not in err and "to resume" not in err
    assert re.search(r"warning: latest\.npz could not be written, .*\n", err) and "a3c-numba: error: " in err
    assert load(run.out / "final.npz").global_step >= 2000 and load(run.out / "best.npz").mean_score is not None
    assert any(event.startswith("latest.npz could not be written") for event in run.events())


@pytest.mark.long
def test_latest_is_written_where_best_and_final_cannot_be(tmp_path):
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 2000) as run:
        run.trains()
        taken(run.out / "best.npz")
        taken(run.out / "final.npz")
        run.open()
        code, err = run.ended()
    assert code == 1 and "best.npz could not be written" in err and "final.npz could not be written" in err
    assert load(run.out / "latest.npz").global_step >= 2000 and "to resume" not in err


@pytest.mark.long
def test_an_unwritable_file_is_named_once_and_costs_no_other(tmp_path):
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 10**8, "--checkpoint-seconds", 0.2) as run:
        run.trains()
        taken(run.out / "best.npz")
        until(lambda: run.events())
        seen = set()
        until(lambda: seen.add(load(run.out / "latest.npz").global_step) or len(seen) > 3)
        free(run.out / "best.npz")
        until((run.out / "best.npz").is_file)
        until(lambda: len(run.events()) > 1)
        run.process.send_signal(signal.SIGINT)
        assert run.ended()[0] == 130
    refused, again = run.events()
    assert refused.startswith("best.npz could not be written, what was there stays: ")
    assert again == "best.npz is written again"


@pytest.mark.long
def test_a_run_says_to_go_on_from_what_is_on_the_disk(tmp_path):
    """Not from where it ended, which could not be saved."""
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 10**8, "--checkpoint-seconds", 0.3) as run:
        until((run.out / "latest.npz").exists)
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        until(lambda: any("latest.npz could not be written" in event for event in run.events()))
        kept = load(run.out / "latest.npz").global_step
        run.process.send_signal(signal.SIGINT)
        code, err = run.ended()
    assert "latest.npz could not be written, what was there stays" in err
    assert re.findall(r"step ([\d,]+); to resume: ", err) == [f"{kept:,}"] and "Traceback" not in err


@pytest.mark.long
def test_a_run_with_nothing_on_the_disk_suggests_no_resuming(tmp_path):
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 10**8, "--checkpoint-seconds", 3600) as run:
        run.trains()
        taken(run.out / "latest.npz")
        run.process.send_signal(signal.SIGINT)
        code, err = run.ended()
    assert "latest.npz could not be written" in err and "to resume" not in err


def test_a_picture_that_cannot_be_renamed_leaves_no_part(tmp_path):
    taken(tmp_path / "curve.png")
    with pytest.raises(OSError):
        Canvas(4, 4).save(tmp_path / "curve.png")
    assert os.listdir(tmp_path) == ["curve.png"]
