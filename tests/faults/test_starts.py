"""Workers that cannot be started, or exit before they are heard of: one line names the cause, and nothing is left."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from a3c_numba.runs.checkpoint import load
from a3c_numba.system.server_process import in_worker
from tests.faults import gates
from tests.faults.runs import ROOT, Group, alive, children, processes, table
from tests.promises import PATIENCE, Late, undisturbed, until

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="there is no server, or no /proc")]

TRAIN = """
import sys, time
from a3c_numba.cli import main as cli
from a3c_numba.system import fork_server, worker_server
{change}
began = time.monotonic()
code = cli.main(["train", "{env}", "--workers", "{workers}", "--total-steps", "3000", "--out", "run"])
print(time.monotonic() - began)
sys.exit(code)
"""
SECONDS = 5                    # until the cause of a hopeless start is named
BROKEN = "fork_server.PRELOAD = 'tests.faults.preloads'"
SERVER = "could not be started: the server that workers are forked from "
REFUSED = ("could not be started: the system refused a process: Resource temporarily unavailable: use fewer workers "
           "(--workers), or raise the limit of processes (ulimit -u: ")


def train(folder, change="", env="tests.faults.gates:Gated-v0", workers=4, seconds=PATIENCE, **environment):
    """Exit code, and the lines of standard error that are no progress.  Raises Late if it took longer."""
    (folder / "open").touch()
    environment = {"PYTHONPATH": str(ROOT), "GATE_FOLDER": str(folder)} | environment
    program = TRAIN.format(change=change, env=env, workers=workers)
    ended = subprocess.run([sys.executable, "-c", program], cwd=folder, text=True, capture_output=True,
                           timeout=PATIENCE, env=os.environ | environment)
    assert "Traceback" not in ended.stderr or "died with" in ended.stderr, ended.stderr
    if float(ended.stdout.splitlines()[-1]) > seconds:
        raise Late(ended.stdout)
    return ended.returncode, [line for line in ended.stderr.splitlines() if "a3c-numba: " in line]


@pytest.mark.parametrize("how, said", [
    ("dies", SERVER + "was ended by SIGKILL"), ("exits", SERVER + "ended with exit code 5"),
    ("cannot be imported", SERVER + "could not import what workers need: ImportError: no such library"),
    ("refused", REFUSED)])
@undisturbed
@pytest.mark.long
def test_a_server_that_forks_nothing_ends_the_run_with_the_cause(tmp_path, how, said):
    """After three starts in a row."""
    code, (*before, last) = train(tmp_path, BROKEN, seconds=SECONDS, FORK=how)
    assert code == 3 and re.match(rf"a3c-numba: error: worker \d {re.escape(said)}", last), last
    assert len(before) == (0 if how == "refused" else 2), before


@pytest.mark.long
def test_the_others_train_where_there_is_no_room_for_one(tmp_path):
    """One line says so; a process that is refused costs no restart."""
    code, lines = train(tmp_path, BROKEN, FORK="two")
    assert code == 0 and load(tmp_path / "run" / "final.npz").global_step >= 3000
    events = [row["event"] for row in table(tmp_path / "run" / "events.csv")]
    assert len(events) == len(lines) <= 1 and all(f"worker 2 {REFUSED}" in event for event in events)


class Waits(gates.Gated):
    """After 50 steps the first worker waits for an event; the constructor of others does what ``fault`` does."""

    steps = 0

    def __init__(self):
        super().__init__()
        if in_worker() and not gates.first("worker"):
            self.fault()

    def fault(self):
        pass

    def step(self, action):
        self.steps += 1
        if self.steps > 50:
            until(lambda: table(Path("run/events.csv")))
        return super().step(action)


class Greedy(Waits):
    """There are 50 MB."""

    def fault(self):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, resource.RLIM_INFINITY))
        np.ones(100_000_000)


for _class in (Waits, Greedy):
    if f"{_class.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(f"{_class.__name__}-v0", entry_point=_class, disable_env_checker=True)


@pytest.mark.long
def test_one_line_names_the_memory_that_others_lack(tmp_path):
    code, (line,) = train(tmp_path, env="tests.faults.test_starts:Greedy-v0")
    assert code == 0 and "MemoryError" in line and "Traceback" not in line
    assert re.search(r"use fewer workers \(--workers\), or raise the limit of memory \(ulimit -v: .*; training "
                     r"continues with \d, and tries again in \d+ s$", line), line


def limit_descriptors(count):
    return f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, ({count}, {count}))"


@pytest.mark.long
def test_one_line_names_the_descriptors_that_others_lack(tmp_path):
    code, (line,) = train(tmp_path, limit_descriptors(48), "tests.faults.test_starts:Waits-v0", workers=32)
    assert code == 0 and (tmp_path / "run" / "final.npz").exists()
    assert re.search(r"Too many open files: use fewer workers \(--workers\), or raise the limit of open files "
                     r"\(ulimit -n: 48\); training continues with \d+, ", line), line


@pytest.mark.parametrize("count", [12, 18, 24])
@pytest.mark.long
def test_too_few_descriptors_are_named_in_one_line(tmp_path, count):
    """Some workers train, or none; there is no traceback."""
    code, lines = train(tmp_path, limit_descriptors(count))
    assert code == 0 or code == 3 and lines, lines
    assert len(lines) <= 1 and all("Too many open files" in line for line in lines)


EXITS = """
import os, sys
from a3c_numba.envs.toys import Catch
from a3c_numba.system.server_process import in_worker
import gymnasium
if in_worker():
    {exit}
gymnasium.register("Exits-v0", entry_point=Catch)
"""


@pytest.mark.parametrize("how, said, tries", [("sys.exit('no licence')", "SystemExit: no licence", 1),
                                              ("os._exit(7)", "worker 0 died with exit code 7", 3)])
@undisturbed
@pytest.mark.long
def test_a_worker_that_exits_while_it_imports_ends_the_run(tmp_path, how, said, tries):
    (tmp_path / "exits.py").write_text(EXITS.format(exit=how))
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    code, lines = train(tmp_path, env="exits:Exits-v0", seconds=SECONDS, PYTHONPATH=path)
    assert code == 3 and len(lines) == tries, lines
    assert said in "\n".join(lines) or said.startswith("SystemExit"), lines


class Program(Group):
    """A command in a process group of its own."""

    def __init__(self, arguments, folder):
        environment = {"PYTHONPATH": str(ROOT), "GATE_FOLDER": str(folder)}
        self.process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, cwd=folder,
                                        stderr=subprocess.PIPE, text=True, env=os.environ | environment,
                                        start_new_session=True)

    def others(self):
        return {pid for pid, (_, _, group) in processes().items() if group == self.process.pid} - {self.process.pid}


def evaluation(folder):
    """A long evaluation by two workers, of an agent that it makes."""
    agent = folder / "agent.npz"
    save = f"from a3c_numba import Agent; Agent('tests.faults.gates:Gated-v0', preset='classic').save({str(agent)!r})"
    subprocess.run([sys.executable, "-c", save], check=True, cwd=ROOT, timeout=PATIENCE)
    env = "--env", "tests.faults.gates:Gated-v0"
    return Program(["-m", "a3c_numba", "evaluate", agent, *env, "--episodes", 100_000, "--workers", 2], folder)


@undisturbed
@pytest.mark.long
def test_kill_9_of_an_evaluation_leaves_nothing(tmp_path):
    with evaluation(tmp_path) as program:
        until(lambda: len(program.others()) == 3)                        # a server and two workers
        program.process.kill()
        program.process.wait()
        until(lambda: not program.others(), seconds=3, error=Late)


STUDIED = "tests.faults.gates:Gated-v0", "--total-steps", 10**8


@pytest.mark.parametrize("command", [
    ("race", STUDIED[0], "--workers", 2, "--compare", 2, "--seconds", 60),
    ("speedup", *STUDIED, "--workers", 2, "--target-score", 9, "--out", "study"),
    ("sweep", *STUDIED, "--workers", 2, "--runs", 2, "--out", "study")], ids=lambda command: command[0])
@undisturbed
@pytest.mark.long
def test_kill_9_of_another_command_leaves_nothing(tmp_path, command):
    with Program(["-m", "a3c_numba", *command], tmp_path) as program:
        until(lambda: len(program.others()) == 3)                        # a server and two workers
        program.process.kill()
        program.process.wait()
        until(lambda: not program.others(), seconds=3, error=Late)


@undisturbed
@pytest.mark.long
def test_ctrl_c_of_an_evaluation_leaves_nothing(tmp_path):
    with evaluation(tmp_path) as program:
        until(lambda: len(program.others()) == 3)
        os.killpg(program.process.pid, signal.SIGINT)
        _, err = program.process.communicate(timeout=PATIENCE)
        assert program.process.returncode == 130 and not err
        until(lambda: not program.others(), seconds=3, error=Late)


@pytest.mark.long
def test_an_evaluations_worker_that_is_killed_is_named(tmp_path):
    with evaluation(tmp_path) as program:
        until(lambda: len(program.others()) == 3)
        server, = children(program.process.pid)
        os.kill(children(server)[0], signal.SIGKILL)
        _, err = program.process.communicate(timeout=PATIENCE)
    assert program.process.returncode == 3 and re.fullmatch("a3c-numba: error: .*ended by SIGKILL.*\n", err), err


@pytest.mark.long
def test_interpreters_end_with_a_main_process_that_is_killed(tmp_path):
    """Where there is no server, each worker notices by itself."""
    change = TRAIN.format(change="worker_server.FORKS = False", env="tests.faults.gates:Gated-v0", workers=4)
    with Program(["-c", change.replace('"3000"', '"100000000"')], tmp_path) as program:
        until(lambda: len({row["worker"] for row in table(tmp_path / "run" / "episodes.csv")}) == 4)
        workers = children(program.process.pid)
        program.process.kill()
        program.process.wait()
        assert len(workers) == 4
        until(lambda: not any(alive(pid) for pid in workers))
