"""Ctrl-C and its like: a checkpoint, a quick end, nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from a3c_numba.runs.checkpoint import load
from tests.faults.runs import table
from tests.promises import PATIENCE, Late, undisturbed, until, within
from tests.runs.test_run_folder import rows

ROOT = Path(__file__).parents[2]
SECONDS = 3.0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")


def heed_sigint():
    """A suite that a shell's "&" or nohup started has signals ignored, and so would have the program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# As ``python -m a3c_numba``, with a line once it heeds Ctrl-C: before, while Python starts, nobody can.
HEEDS = """
import sys
sys.addaudithook(lambda event, args: event == "import" and args[0] == "a3c_numba.cli.main"
                 and print("heeds", flush=True))
from a3c_numba.__main__ import main
sys.exit(main())
"""


def start(out, workers=2, preexec_fn=heed_sigint, how=("-m", "a3c_numba")):
    command = [sys.executable, *how, "train", "Catch", "--workers", str(workers), "--total-steps", "1e9",
               "--out", str(out)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True, preexec_fn=preexec_fn)


def wait_until_it_trains(out):
    until(lambda: len({row["worker"] for row in table(out / "episodes.csv")}) == 2, every=0.1)


def ended(process):
    """Exit code and standard error of a process that must end soon, and take its whole group along."""
    sent = time.monotonic()
    try:
        _, err = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in err, err
        within(SECONDS, sent)
        until(lambda: not _group_lives(process.pid), seconds=2, error=Late)
    finally:
        if _group_lives(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, err


def _group_lives(group):
    """Whether a process of the group runs; not one that has ended and only waits to be collected."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    stats = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
    return not stats or any(int(stat[2]) == group and stat[0] != "Z" for stat in stats if stat)


def _stat(path):
    """State, parent, group, ... of a process, as Linux tells them."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def ignore_sigint():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


TO_ALL, TO_MAIN = os.killpg, os.kill


@pytest.mark.parametrize("send, number, code, how", [
    (TO_ALL, signal.SIGINT, 130, {}), (TO_MAIN, signal.SIGINT, 130, {"preexec_fn": ignore_sigint}),
    (TO_ALL, signal.SIGTERM, 143, {}), (TO_MAIN, signal.SIGTERM, 143, {}), (TO_ALL, signal.SIGHUP, 129, {}),
], ids=["Ctrl-C", "SIGINT, ignored at the start, to the main process", "SIGTERM to all", "SIGTERM to the main process",
        "the terminal is closed"])
@undisturbed
@pytest.mark.long
def test_a_signal_ends_the_run_with_a_checkpoint(tmp_path, send, number, code, how):
    out = tmp_path / "run"
    process = start(out, **how)
    wait_until_it_trains(out)
    send(process.pid, number)
    assert ended(process)[0] == code
    latest = load(out / "latest.npz")
    assert latest.global_step == int(rows(out / "progress.csv")[-1]["global_step"]) > 0
    if None in latest.workers and (number == signal.SIGINT or send is TO_MAIN):
        raise Late("STOP_SECONDS was not enough for two workers to say where they are")
    assert not (out / "final.npz").exists()


@pytest.mark.parametrize("delay", [0, 0.1, 0.3, 0.6, 0.9, 1.2])
@undisturbed
def test_ctrl_c_is_quiet_however_early_it_comes(tmp_path, delay):
    process = start(tmp_path / "run", how=("-c", HEEDS))
    assert process.stdout.readline() == "heeds\n"
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    code, err = ended(process)
    assert code in (130, -signal.SIGINT), err


@undisturbed
def test_nobody_outlives_a_main_process_that_was_killed(tmp_path):
    out = tmp_path / "run"
    process = start(out)
    wait_until_it_trains(out)
    process.kill()
    process.communicate(timeout=PATIENCE)
    until(lambda: not _group_lives(process.pid), SECONDS, error=Late)
