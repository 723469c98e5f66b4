"""Workers that die, hang and fail, and what becomes of the run."""

import os
import random
import re
import signal
import sys
import time
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load
from a3c_numba.training.worker_handle import WorkerHandle
from tests.faults import gates  # noqa: F401  what a checkpoint names is not imported on loading it
from tests.faults.runs import Run, servers_of, table, until
from tests.promises import undisturbed, within

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]

GATED, TWO = "tests.faults.gates:Gated-v0", ("--workers", 2)
HEARTBEAT = 4.0                # enough for a step of a worker that has its turn now and then


class Leaves(gates.Gated):
    """At its first step."""

    def step(self, action):
        os._exit(255)


if "Leaves-v0" not in gymnasium.registry:
    gymnasium.register("Leaves-v0", entry_point=Leaves, disable_env_checker=True)


def silence(line):
    """The seconds that an event says a worker made no step for."""
    return float(re.search(r"made no step for ([\d.]+) s and was killed", line)[1])


@pytest.mark.long
def test_workers_killed_at_random_moments_are_replaced(tmp_path):
    rng, took = random.Random(0), []
    with Run(tmp_path, GATED, *TWO, "--total-steps", 30_000) as run:
        run.trains(workers=2)
        for _ in range(20):
            before = until(run.workers)
            os.kill(rng.choice(before), signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: set(run.workers()) - set(before))
            took.append(time.monotonic() - killed)
            time.sleep(rng.uniform(0, 0.2))
        run.open()
        assert run.ended()[0] == 0
    assert sum(seconds < 2 for seconds in took) >= 15, took              # a busy machine may hold up a few
    final, steps = load(run.out / "final.npz"), [int(row["global_step"]) for row in table(run.out / "progress.csv")]
    assert np.isfinite(final.theta).all() and np.isfinite(final.statistics).all()
    assert steps == sorted(steps) and final.global_step == steps[-1] >= 30_000
    assert final.streams == 2 + 20                                       # none was handed out twice
    assert len(run.events()) == 20
    assert all(re.search(rf"SIGKILL; replaced, {k} of", event) for k, event in enumerate(run.events(), 1))


@pytest.mark.long
def test_too_many_deaths_end_the_run_with_the_last_traceback(tmp_path):
    with Run(tmp_path, "tests.faults.gates:RaisesAlways-v0", *TWO, "--total-steps", 10**8, "--max-restarts", 2) as run:
        code, err = run.ended()
    assert code == 3 and err.count("replaced, ") == 2
    assert "a3c-numba: error: worker" in err and "ArithmeticError: every step is broken" in err and "in step" in err
    assert load(run.out / "latest.npz").global_step > 0 and len(run.events()) == 2


@pytest.mark.long
def test_a_stopped_worker_is_replaced(tmp_path):
    with Run(tmp_path, GATED, *TWO, "--total-steps", 20_000, "--heartbeat-seconds", HEARTBEAT) as run:
        run.trains(workers=2)
        stopped = run.workers()[0]
        os.kill(stopped, signal.SIGSTOP)
        until(run.events)
        until(lambda: len(run.workers()) == 2 and stopped not in run.workers())
        run.open()
        code, err = run.ended()
    assert code == 0 and err.count("warning") == len(run.events()) == 1
    assert silence(run.events()[0]) >= HEARTBEAT


@pytest.mark.long
def test_a_step_that_never_returns_costs_one_worker(tmp_path):
    with Run(tmp_path, "tests.faults.gates:HangsOnce-v0", *TWO, "--total-steps", 20_000, "--heartbeat-seconds",
             HEARTBEAT) as run:
        until(run.events)
        run.open()
        code, err = run.ended()
    assert code == 0 and err.count("warning") == len(run.events()) == 1 and silence(err) >= HEARTBEAT


@pytest.mark.long
def test_a_worker_stopped_inside_a_message_delays_no_other(tmp_path):
    """It has said half of where it is, for a checkpoint; the monitor does not wait for the other half."""
    with Run(tmp_path, "tests.faults.gates:SpeaksByHalves-v0", *TWO, "--total-steps", 20_000, "--heartbeat-seconds",
             HEARTBEAT, "--checkpoint-seconds", 0.5) as run:
        until(lambda: (run.gates / "half").exists())
        until(run.events)
        replaced = int(table(run.out / "events.csv")[0]["global_step"])
        until(lambda: saved_whole_after(run.out / "latest.npz", replaced))
        run.open()
        code, err = run.ended()
    assert code == 0 and err.count("warning") == len(run.events()) == 1 and silence(err) >= HEARTBEAT


def saved_whole_after(path, step):
    """Whether there is a checkpoint of a later step, with the state of every worker."""
    checkpoint = load(path) if path.exists() else None
    return checkpoint and checkpoint.global_step > step and None not in checkpoint.workers


@pytest.mark.parametrize("env, said", [("RaisesOnce", "this step is broken"), ("RaisesInReset", "this reset is broken"),
                                       ("CannotBeMadeOnce", "this constructor is broken")])
@pytest.mark.long
def test_a_worker_whose_environment_raises_is_replaced(tmp_path, env, said):
    with Run(tmp_path, f"tests.faults.gates:{env}-v0", *TWO, "--total-steps", 10_000) as run:
        until(run.events)
        until(lambda: len(run.workers()) == 2)                           # or the other one does all before
        run.open()
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err
    assert len(run.events()) == 1 and f"died with exit code 1: ArithmeticError: {said}; replaced, 1" in run.events()[0]
    assert load(run.out / "final.npz").streams == 3


@pytest.mark.long
def test_a_constructor_that_always_fails_ends_the_run_at_once(tmp_path):
    with Run(tmp_path, "tests.faults.gates:CannotBeMade-v0", *TWO, "--total-steps", 10_000) as run:
        code, err = run.ended()
    assert code == 3 and not run.events() and "replaced" not in err
    assert "a3c-numba: error: worker 0 died" in err and "ArithmeticError: no constructor works" in err


@pytest.mark.long
def test_an_environment_that_exits_with_255_counts_as_failed(tmp_path):
    """As ``exit(-1)`` does; it is also how a worker ends whose server has died."""
    with Run(tmp_path, "tests.faults.test_workers:Leaves-v0", "--total-steps", 1000, "--workers", 1) as run:
        code, err = run.ended()
    assert code == 3 and err.count("replaced, ") == 2 and err.count("died with exit code 255") == 3


@undisturbed
@pytest.mark.long
def test_sixty_four_workers_on_few_cores_all_work_and_all_stop(tmp_path):
    """A worker takes a twentieth of a second of a core to start, and a fifth more where it imports and opens Atari."""
    with Run(tmp_path, "tests.faults.gates:Gated-v0", "--workers", 64, "--total-steps", 10**8, "--hidden", 4) as run:
        run.trains(workers=64, seconds=400)
        assert len(run.workers()) == 64
        os.killpg(run.process.pid, signal.SIGINT)
        sent = time.monotonic()
        code, err = run.ended()
        until(lambda: not run.living())
        within(5, sent)
        assert code == 130 and not run.events(), err
    assert load(run.out / "latest.npz").global_step > 0


@pytest.mark.long
def test_watching_costs_less_than_a_hundredth_of_a_core(tmp_path):
    said = tmp_path / "said"
    with open(said, "w") as log, Run(tmp_path, GATED, "--workers", 4, "--total-steps", 10**8, log=log) as run:
        run.trains(workers=4)
        share = share_of_a_core(run.process.pid, 6)
        if share >= 0.01:                                                # a busy machine makes work of its own
            share = share_of_a_core(run.process.pid, 12)
        until(lambda: "  4 workers  " in said.read_text())               # says how many live, every ten seconds
        os.killpg(run.process.pid, signal.SIGTERM)
        code, _ = run.ended()
    assert code == 143 and share < 0.01, share


def share_of_a_core(pid, seconds):
    """That a process needs over that long."""
    spent, since = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - spent) / (time.monotonic() - since)


def cpu_seconds(pid):
    """That a process has used so far, its children's apart."""
    with open(f"/proc/{pid}/stat") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no server")
@pytest.mark.long
def test_a_server_that_dies_is_one_event_and_one_restart(tmp_path):
    """All of its workers are replaced."""
    with Run(tmp_path, GATED, "--workers", 3, "--total-steps", 20_000, "--max-restarts", 1) as run:
        run.trains(workers=3)
        server = servers_of(run.process.pid)[0]
        os.kill(server, signal.SIGKILL)
        until(lambda: len(run.workers()) == 3 and server not in servers_of(run.process.pid))
        run.open()
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err, err
    assert run.events() == ["the server that workers are forked from was ended by SIGKILL, and its 3 workers with it; "
                            "replaced, 1 of at most 1"]


@pytest.mark.long
def test_environments_have_numpy_streams_of_their_own(tmp_path):
    """Also NumPy's global one, which a forked process would share with its siblings."""
    with Run(tmp_path, "tests.faults.gates:Noisy-v0", "--workers", 3, "--total-steps", 20_000) as run:
        run.trains(workers=3)                                            # or the first one does all before the others
        run.open()
        assert run.ended()[0] == 0
    drawn = [path.name for path in run.gates.glob("noise-*")]
    assert len(drawn) >= 3


@pytest.mark.parametrize("number", [signal.SIGKILL, 40])
def test_any_signal_has_a_name(number):
    process = SimpleNamespace(exitcode=-number, lost=False)
    assert WorkerHandle(process, None, 0).ending() == f"was ended by {'SIGKILL' if number == 9 else 'signal 40'}"
