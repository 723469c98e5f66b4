"""What befalls a run as a whole: a disk that fills and empties, numbers that are none, a machine that sleeps."""

import os
import pickle
import re
import resource
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest

from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.presets import configure
from a3c_numba.runs.checkpoint import load
from a3c_numba.training.trainer import initial_checkpoint
from a3c_numba.training.worker_process import publish
from a3c_numba.training.worker_status import WorkerStatus
from tests.faults import environments, gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import Run, until

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]

GATED = "tests.faults.gates:Gated-v0"


@pytest.mark.long
def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path):
    """A limit on the size of files makes the real writes of the running process fail half-way."""
    with Run(tmp_path, GATED, "--workers", 2, "--total-steps", 10**8, "--checkpoint-seconds", 0.5) as run:
        latest = run.out / "latest.npz"
        until(latest.exists)
        _, hard = resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        until(lambda: any("latest.npz could not be written" in event for event in run.events()))
        kept = load(latest)
        until(lambda: load(latest).global_step == kept.global_step and len(run.workers()) == 2)
        until(lambda: not [name for name in os.listdir(run.out) if "tmp" in name])       # but while it tries again
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: load(latest).global_step > kept.global_step)
        run.process.send_signal(signal.SIGINT)                           # still slow: no ring of games runs over
        code, err = run.ended()
    assert code == 130 and re.search(r"latest\.npz could not be written, what was there stays: .*\n", err)
    assert "latest.npz is written again\n" in err and len(re.findall("latest.npz could not", err)) == 1
    assert abs(len(run.episodes()) - load(latest).global_step // 9) <= 2       # a game has 9 steps: no row is missing


@pytest.mark.long
def test_a_disk_that_stays_full_is_an_error_at_the_end(tmp_path):
    with Run(tmp_path, GATED, "--workers", 1, "--total-steps", 6000) as run:
        run.trains()
        resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        run.open()
        code, err = run.ended()
    assert code == 1 and "Traceback" not in err and "a3c-numba: error: " in err and "no learning curve: " in err
    assert not [name for name in os.listdir(run.out) if name.endswith((".npz", ".png", ".tmp"))]


@pytest.mark.long
def test_a_log_on_a_full_disk_ends_no_run(tmp_path):
    """Standard error goes to a file, too, and every line that cannot be written there is lost, but nothing else."""
    with open(tmp_path / "log", "w") as log:
        log.write("x" * 2000)
        log.flush()
        with Run(tmp_path, GATED, "--workers", 2, "--total-steps", 20_000, "--checkpoint-seconds", 0.5, log=log) as run:
            until((run.out / "latest.npz").exists)
            resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
            until(lambda: any("latest.npz could not be written" in event for event in run.events()))
            os.kill(run.workers()[0], signal.SIGKILL)                    # one more line
            until(lambda: any("SIGKILL" in event for event in run.events()))
            resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            run.open()
            assert run.ended()[0] == 0
    assert load(run.out / "final.npz").global_step >= 20_000


@pytest.mark.long
def test_a_machine_that_sleeps_costs_no_worker(tmp_path):
    """All processes stand still for longer than a heartbeat may take, and go on.

    They then have that long for a step again, which has to be enough on a busy machine.
    """
    with Run(tmp_path, GATED, "--workers", 2, "--total-steps", 20_000, "--heartbeat-seconds", 5.5) as run:
        run.trains(workers=2)
        os.killpg(run.process.pid, signal.SIGSTOP)
        time.sleep(7)
        os.killpg(run.process.pid, signal.SIGCONT)
        time.sleep(0.5)
        run.open()
        code, err = run.ended()
    assert code == 0 and not run.events(), err


def test_too_many_skipped_updates_end_the_run(tmp_path):
    with Run(tmp_path, "tests.faults.gates:NoNumbers-v0", "--workers", 1, "--total-steps", 10**8, "--max-skipped",
             20) as run:
        code, err = run.ended()
    assert code == 3 and "Traceback" not in err
    assert "updates with non-finite gradients (limit 20): check" in err and "--max-skipped" in err
    latest = load(run.out / "latest.npz")
    assert latest.global_step > 0 and np.isfinite(latest.theta).all() and latest.mean_score is None


def test_a_checkpoint_delays_a_worker_by_few_milliseconds():
    """What a worker does for it, with the paper's network: copies of theta, g and theta-, and its own state."""
    config = configure("ALE/Pong-v5", workers=1, algorithm="n_step_q")
    start = initial_checkpoint(config)
    shared = Shared(len(start.theta), 1, has_target=True)
    shared.theta[:] = start.theta
    worker, status = Worker(0, config, shared, np.random.SeedSequence(0)), WorkerStatus(shared, 1)
    worker.update()
    durations = []
    for _ in range(21):
        begun = time.thread_time()                                       # what other programs take is not its doing
        publish(worker, status, SimpleNamespace(send=pickle.dumps))
        durations.append(time.thread_time() - begun)
    print(f"\na checkpoint delays a worker by {1e3 * np.median(durations):.2f} ms")
    assert np.median(durations) < 5e-3
