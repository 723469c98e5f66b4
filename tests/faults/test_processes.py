"""How processes come and go: workers, the programs that environments start, and a main process that forks."""

import ctypes
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time

import gymnasium
import pytest

from a3c_numba import Agent
from a3c_numba.runs.checkpoint import load
from a3c_numba.system import worker_server
from a3c_numba.system.server_process import in_worker, init_worker_process
from tests.faults import gates
from tests.faults.runs import ROOT, Group, Run, alive, children, servers_of, workers_of
from tests.promises import PATIENCE, Late, undisturbed, until, within

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks into /proc")]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is no server")

HERE, TWO = "tests.faults.test_processes", ("--workers", 2)
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


class Simulated(gates.Gated):
    """Needs a program that it starts, and ends it as one does; fails as the file "break" says, once."""

    def __init__(self):
        super().__init__()
        self.simulator = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (gates.folder() / f"simulator-{self.simulator.pid}").touch()

    def step(self, action):
        if self.simulator.poll() is not None:
            raise OSError("the simulator has gone")
        if (gates.folder() / "break").exists() and gates.first("broken"):
            raise OSError("the simulator says nonsense")
        return super().step(action)

    def close(self):
        self.simulator.terminate()
        self.simulator.wait()


class HangsInClose(gates.Gated):
    """In the workers."""

    def close(self):
        if in_worker():
            (gates.folder() / f"closing-{os.getpid()}").touch()
            time.sleep(3600)


class FailsAndHangsInClose(HangsInClose):
    """Once the file "break" is there: in one worker."""

    def step(self, action):
        if (gates.folder() / "break").exists() and gates.first("broken"):
            raise OSError("the simulator says nonsense")
        return super().step(action)


for _class in (Simulated, HangsInClose, FailsAndHangsInClose):
    if f"{_class.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(f"{_class.__name__}-v0", entry_point=_class, disable_env_checker=True)


def simulators(run):
    """Process ids of those that live."""
    found = [int(path.name.split("-")[1]) for path in run.gates.glob("simulator-*")]
    return [pid for pid in found if alive(pid)]


@undisturbed
@pytest.mark.long
def test_programs_of_environments_end_with_the_run(tmp_path):
    with Run(tmp_path, f"{HERE}:Simulated-v0", *TWO, "--total-steps", 20_000) as run:
        run.trains(workers=2)
        assert len(simulators(run)) == 2
        run.open()
        code, err = run.ended()
        assert code == 0 and not run.events(), err
        if simulators(run):
            raise Late("STOP_SECONDS was not enough for two workers to end theirs")


@undisturbed
@pytest.mark.long
def test_ctrl_c_leaves_environments_programs_to_the_workers(tmp_path):
    """Who acts on Ctrl-C is the main process: no rollout is lost for want of a simulator."""
    with Run(tmp_path, f"{HERE}:Simulated-v0", *TWO, "--total-steps", 10**8) as run:
        run.trains(workers=2)
        os.killpg(run.process.pid, signal.SIGINT)
        code, err = run.ended()
        assert code == 130 and not run.events() and "Traceback" not in err, err
        if simulators(run) or None in load(run.out / "latest.npz").workers:
            raise Late("STOP_SECONDS was not enough for two workers to end theirs")


@pytest.mark.long
def test_a_worker_that_fails_closes_its_environment(tmp_path):
    with Run(tmp_path, f"{HERE}:Simulated-v0", *TWO, "--total-steps", 10**8) as run:
        run.trains(workers=2)
        before = simulators(run)
        (run.gates / "break").touch()
        until(run.events)
        until(lambda: len(simulators(run)) == 2 and simulators(run) != before)
        assert "OSError: the simulator says nonsense; replaced, 1 of" in run.events()[0]


@undisturbed
@pytest.mark.long
def test_a_hang_in_close_loses_nothing_after_ctrl_c(tmp_path):
    with Run(tmp_path, f"{HERE}:HangsInClose-v0", *TWO, "--total-steps", 10**8) as run:
        run.trains(workers=2)
        sent = time.monotonic()
        os.kill(run.process.pid, signal.SIGINT)
        code, err = run.ended()
        within(3, sent)
        assert code == 130 and "Traceback" not in err and not run.events(), err
    if len(list(run.gates.glob("closing-*"))) < 2:
        raise Late("STOP_SECONDS was not enough for two workers to come to close")
    assert None not in load(run.out / "latest.npz").workers


@pytest.mark.long
def test_a_hang_in_close_delays_the_end_and_loses_nothing(tmp_path):
    with Run(tmp_path, f"{HERE}:HangsInClose-v0", *TWO, "--total-steps", 10_000, "--heartbeat-seconds", 5.5) as run:
        run.trains(workers=2)
        run.open()
        code, err = run.ended()
        assert code == 0 and "Traceback" not in err and not run.events(), err
    final = load(run.out / "final.npz")
    assert None not in final.workers and final.global_step >= 10_000
    assert final.global_step == sum(state["steps"] for state in final.workers)


@pytest.mark.long
def test_a_failed_worker_that_hangs_in_close_is_replaced_early(tmp_path):
    with Run(tmp_path, f"{HERE}:FailsAndHangsInClose-v0", *TWO, "--total-steps", 10**8, "--heartbeat-seconds",
             10**6) as run:
        run.trains(workers=2)
        (run.gates / "break").touch()
        event, = until(run.events)
    assert re.search(r"failed, hung .* s and was killed: OSError: the simulator says nonsense; replaced, 1 of", event)


class Program(Group):
    """A program that uses the package, with workers."""

    def __init__(self, tmp_path, source, **environment):
        self.gates, path = tmp_path / "gates", tmp_path / "program.py"
        self.gates.mkdir()
        path.write_text(source)
        environment = {"GATE_FOLDER": str(self.gates), "PYTHONPATH": str(ROOT)} | environment
        self.process = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=os.environ | environment, start_new_session=True)

    def ended(self):
        """Exit code, standard output and error."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


STARTS_SLOWLY = """
import time
from a3c_numba import Agent
from a3c_numba.system.server_process import in_worker
from tests.faults.gates import Gated, folder

class Slow(Gated):
    def __init__(self):
        super().__init__()
        if in_worker():
            (folder() / "starting").touch()
            while not (folder() / "on").exists():
                time.sleep(0.01)

print(Agent(Slow, workers=1).learn(30_000)._checkpoint.streams)
"""


@LINUX
@pytest.mark.long
def test_a_worker_ignores_every_signal_from_its_first_moment(tmp_path):
    """Also while it makes its environment, which may take long."""
    with Program(tmp_path, STARTS_SLOWLY) as program:
        until(lambda: (program.gates / "starting").exists())
        worker, = workers_of(program.process.pid)
        for number in SIGNALS:
            os.kill(worker, number)
        (program.gates / "on").touch()
        until(lambda: not blocked(worker))
        for number in SIGNALS:
            os.kill(worker, number)
        (program.gates / "open").touch()
        assert program.ended() == (0, "1\n", "")                         # one random stream: nobody was replaced


def blocked(pid):
    """Those of SIGNALS that a process holds up, and with it the programs that it starts."""
    with open(f"/proc/{pid}/status") as file:
        mask = int(re.search(r"SigBlk:\s*(\w+)", file.read())[1], 16)
    return [number for number in SIGNALS if mask >> (number - 1) & 1]


def test_a_signal_ignored_by_a_worker_interrupts_no_system_call():
    """In a process of its own; the call is C's, which Python does not make again."""
    process = multiprocessing.get_context("spawn").Process(target=_read_with_signals)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0


def _read_with_signals():
    init_worker_process()
    ours, theirs = os.pipe()
    main = threading.main_thread().ident

    def disturb():
        for number in SIGNALS:
            time.sleep(0.1)
            signal.pthread_kill(main, number)
        time.sleep(0.1)
        os.write(theirs, b"x")

    threading.Thread(target=disturb).start()
    raise SystemExit(ctypes.CDLL(None).read(ours, ctypes.create_string_buffer(1), 1) != 1)


FORKS = """
import os, threading, time
from a3c_numba import Agent
from tests.faults.gates import folder

def fork():
    while not (folder() / "step").exists():                          # one worker hangs
        time.sleep(0.01)
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    (folder() / "forked").touch()

if __name__ == "__main__":
    threading.Thread(target=fork).start()
    Agent("tests.faults.gates:HangsOnce-v0", workers=2).learn(10**8)
"""


@LINUX
@undisturbed
@pytest.mark.long
def test_a_killed_main_process_that_forked_leaves_nothing_behind(tmp_path):
    """The fork lives on; what it inherited of the main process must not stand for it."""
    with Program(tmp_path, FORKS) as program:
        until(lambda: (program.gates / "forked").exists())
        server, = servers_of(program.process.pid)
        workers = until(lambda: workers_of(program.process.pid) if len(children(server)) == 2 else None)
        program.process.kill()
        program.process.wait()
        until(lambda: not any(alive(pid) for pid in [server, *workers]), seconds=3, error=Late)


FORKED = """
import multiprocessing
from a3c_numba import Agent

def learn():
    print(Agent("Catch", workers=2).learn(500).config.total_steps, flush=True)

if __name__ == "__main__":
    learn()
    process = multiprocessing.get_context("fork").Process(target=learn)
    process.start()
    process.join()
    learn()
"""


@pytest.mark.long
def test_a_fork_made_after_learning_can_learn_as_can_its_parent(tmp_path):
    with Program(tmp_path, FORKED) as program:
        assert program.ended() == (0, "500\n" * 3, "")


DAEMONIC = """
import multiprocessing
from a3c_numba import Agent

def learn():
    print(Agent("Catch", workers=2).learn(500).config.total_steps, flush=True)

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=learn, daemon=True)
    process.start()
    process.join()
"""


def test_a_daemonic_process_can_learn(tmp_path):
    """Its workers end with it, so nothing speaks against it."""
    with Program(tmp_path, DAEMONIC) as program:
        assert program.ended() == (0, "500\n", "")


@pytest.mark.long
def test_two_threads_learn_at_once(tmp_path):
    agents = [Agent("Catch", workers=3, seed=seed) for seed in (0, 1)]
    thetas = [agent.policy.parameters.flat.copy() for agent in agents]
    for _ in range(3):
        threads = [threading.Thread(target=agent.learn, args=(3000,)) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)
    for agent, theta in zip(agents, thetas):
        assert agent._checkpoint.global_step >= 3000 and (agent.policy.parameters.flat != theta).any()


@LINUX
@pytest.mark.parametrize("kill", [lambda: os.kill(worker_server.server(), signal.SIGKILL), worker_server.kill_server],
                         ids=["by somebody", "by one of them, for its timeout"])
def test_a_lost_server_ends_none_of_two_trainings(kill):
    """They have one server; both go on, for one restart each."""
    rows, ends = {}, threading.Event()

    def learn(seed):
        Agent("Catch", workers=2, seed=seed).learn(10**8, callback=lambda row: rows.update({seed: row}) or
                                                   not ends.is_set(), callback_seconds=0.01)

    threads = [threading.Thread(target=learn, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: [row.workers for row in rows.values()] == [2, 2])
        kill()
        until(lambda: [(row.restarts, row.workers) for row in rows.values()] == [(1, 2), (1, 2)])
        updates = [row.updates for row in rows.values()]
        until(lambda: all(row.updates > before for row, before in zip(rows.values(), updates)))
    finally:
        ends.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert [row.restarts for row in rows.values()] == [1, 1]


@LINUX
@pytest.mark.long
def test_a_long_temporary_path_makes_no_difference(tmp_path):
    """Longer than the address of a socket may be."""
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    with Run(tmp_path, "Catch", *TWO, "--total-steps", 1000, TMPDIR=str(folder)) as run:
        code, err = run.ended()
    assert code == 0 and "Traceback" not in err, err
