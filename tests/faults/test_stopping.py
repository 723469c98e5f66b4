"""The end of a run, ordered or not: tests/system/test_signals.py has the first Ctrl-C and SIGTERM."""

import os
import signal
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load
from tests.faults import gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import Run, alive, servers_of, table, until
from tests.promises import Late, undisturbed, within

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]

TWO = ("--workers", 2, "--total-steps", 10**8)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@undisturbed
@pytest.mark.long
def test_a_second_signal_ends_the_run_at_once(tmp_path, number, code):
    """One worker hangs: the first signal waits for it, the second does not."""
    with Run(tmp_path, "tests.faults.gates:HangsOnce-v0", *TWO) as run:
        run.trains(workers=2)
        until(lambda: (run.gates / "step").exists())
        first = time.monotonic()
        os.kill(run.process.pid, number)
        until(lambda: len(run.workers()) < 2)                            # the other one obeys
        within(1, first)                                                 # behind STOP_SECONDS it ends by itself
        sent = time.monotonic()
        os.kill(run.process.pid, number)
        assert run.ended()[0] == code
        until(lambda: not run.living())
        within(1, sent)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@undisturbed
@pytest.mark.long
def test_a_worker_that_hangs_does_not_hang_the_end(tmp_path, number, code):
    with Run(tmp_path, "tests.faults.gates:HangsOnce-v0", *TWO) as run:
        run.trains(workers=2)
        until(lambda: (run.gates / "step").exists())
        sent = time.monotonic()
        os.killpg(run.process.pid, number)
        returned, err = run.ended()
        until(lambda: not run.living())
        within(3, sent)
        assert returned == code and "Traceback" not in err
    assert_one_is_lost(run)


def assert_one_is_lost(run):
    """Of two workers."""
    latest = load(run.out / "latest.npz")
    if latest.workers == [None, None]:
        raise Late("STOP_SECONDS was not enough for the other one to say where it is")
    assert sorted(state is None for state in latest.workers) == [False, True] and latest.global_step > 0


@undisturbed
@pytest.mark.long
def test_a_worker_stopped_inside_a_message_does_not_hang_the_end(tmp_path):
    """Half of its state has come, for a checkpoint; it goes without it, and so does the last one."""
    with Run(tmp_path, "tests.faults.gates:SpeaksByHalves-v0", *TWO, "--checkpoint-seconds", 0.5) as run:
        until(lambda: (run.gates / "half").exists())
        seen = len(run.episodes())
        until(lambda: len(run.episodes()) > seen)                        # the monitor goes on
        sent = time.monotonic()
        os.killpg(run.process.pid, signal.SIGTERM)
        code, err = run.ended()
        until(lambda: not run.living())
        within(3, sent)
        assert code == 143 and "Traceback" not in err
    assert_one_is_lost(run)


@undisturbed
def test_nothing_is_left_of_a_main_process_that_was_killed(tmp_path):
    """Not even a worker that hangs in its environment.  The shared memory has no name: it goes with who holds it."""
    with Run(tmp_path, "tests.faults.gates:HangsOnce-v0", *TWO) as run:
        run.trains(workers=2)
        until(lambda: (run.gates / "step").exists())
        group = run.living()
        memory = nameless(run.process.pid)
        holders = holders_of(memory)
        assert memory and {run.process.pid, *run.workers()} <= holders <= group
        run.process.kill()
        run.process.wait()
        until(lambda: not run.living(), seconds=3, error=Late)
    assert not holders_of(memory)


def files_of(pid):
    """Of the open files of a process, what the system knows of them."""
    found = []
    with suppress(OSError):                                              # it has ended, or is not ours to see
        for link in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):                                      # closed meanwhile
                found.append(os.stat(f"/proc/{pid}/fd/{link}"))
    return found


def nameless(pid):
    """Device and number of the files that a process holds and that no folder lists: memory, with a size."""
    return {(file.st_dev, file.st_ino) for file in files_of(pid)
            if stat.S_ISREG(file.st_mode) and file.st_nlink == 0 and file.st_size}


def holders_of(files):
    """Process ids of all who hold one of them."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return {pid for pid in pids if files & {(file.st_dev, file.st_ino) for file in files_of(pid)}}


METHODS = {"a3c": (), "dqn": ("--algorithm", "dqn", "--save-replay", "--memory-size", 1000, "--warm-up", 200)}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.long
def test_killed_and_resumed_three_times_equals_never_interrupted(tmp_path, method):
    """One worker: bit for bit.  kill -9 costs no more than the steps since the last checkpoint."""
    env, often = "tests.faults.gates:SlowCorridor-v0", ("--checkpoint-seconds", 0.2)
    options = ("--workers", 1, "--total-steps", 8000, "--hidden", 8, *METHODS[method])
    (tmp_path / "whole").mkdir(), (tmp_path / "cut").mkdir()
    with Run(tmp_path / "whole", env, *options) as run:
        run.open()
        assert run.ended()[0] == 0
    expected, steps = load(run.out / "final.npz"), [0]
    for part in range(3):
        with Run(tmp_path / "cut", env, *often, *(() if part else options), resume=part > 0) as run:
            until(lambda: newest(run.out) > steps[-1])
            run.process.kill()
            run.process.wait()
        steps.append(newest(run.out))
    with Run(tmp_path / "cut", env, resume=True) as run:
        run.open()
        assert run.ended()[0] == 0
    final = load(run.out / "final.npz")
    np.testing.assert_array_equal(final.theta, expected.theta)
    np.testing.assert_array_equal(final.statistics, expected.statistics)
    assert not run.events()
    rows = table(run.out / "progress.csv")
    reached = [int(row["global_step"]) for row in rows]
    assert steps == sorted(set(steps)) and reached == sorted(reached) and final.global_step == expected.global_step
    for row in rows:                                                     # one straight line, whoever drew it
        eta = final.config.optimizer.learning_rate * max(0, 1 - int(row["global_step"]) / 8000)
        assert float(row["learning_rate"]) == pytest.approx(eta, rel=1e-6, abs=1e-12)


def newest(out):
    try:
        return load(out / "latest.npz").global_step
    except ValueError:
        return 0


@pytest.mark.skipif(sys.platform != "linux", reason="there is no server")
@undisturbed
@pytest.mark.long
def test_a_fork_server_that_stands_still_does_not_hang_the_end(tmp_path):
    """However many workers it does not speak of."""
    with Run(tmp_path, "tests.faults.gates:Gated-v0", "--workers", 6, "--total-steps", 10**8) as run:
        run.trains(workers=6)
        workers, server = run.workers(), servers_of(run.process.pid)[0]
        os.kill(server, signal.SIGSTOP)
        sent = time.monotonic()
        os.kill(run.process.pid, signal.SIGINT)
        code, err = run.ended()
        within(3, sent)
        assert code == 130 and "Traceback" not in err, err
        until(lambda: not any(alive(pid) for pid in [*workers, server]))
    assert load(run.out / "latest.npz").global_step > 0
