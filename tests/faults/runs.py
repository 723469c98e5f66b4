"""A real run in processes of its own, to be done harm."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.promises import PATIENCE, until

ROOT = Path(__file__).parent.parent.parent


def workers_of(pid):
    """Process ids of the workers of a main process: children of its server, or where there is none its own."""
    servers = servers_of(pid)
    return [worker for server in servers for worker in children(server)] if servers else children(pid, b"run_worker")


def servers_of(pid):
    """Process ids of the servers that a main process forks its workers from: there is one at most."""
    return children(pid, b"server_process.serve")


def children(pid, kind=b""):
    """Process ids of a process's children with such a command line."""
    return sorted(child for child, (_, parent, _) in processes().items() if parent == pid and kind in command_of(child))


def processes():
    """State, parent and group of every process that lives, by its id."""
    found = {int(path.name): standing(path.name) for path in Path("/proc").glob("[0-9]*")}
    return {pid: known for pid, known in found.items() if known and known[0] != "Z"}


def standing(pid):
    """State, parent and group of a process; None if there is none."""
    try:
        state, parent, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return state, int(parent), int(group)


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""                                                       # it has ended meanwhile


def alive(pid):
    return (standing(pid) or "Z")[0] != "Z"


def table(path):
    """The rows of a CSV file, none where there is no file; a line that is still being written is none yet."""
    if not path.exists():
        return []
    lines = path.read_bytes().decode().splitlines(keepends=True)
    return list(csv.DictReader(line for line in lines if line.endswith("\n")))


class Group:
    """``process``, and all others of its group; within ``with``, or they are killed."""

    process: subprocess.Popen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()


class Run(Group):
    """``a3c-numba train ENV`` with its folder and its gates below ``tmp_path``."""

    def __init__(self, tmp_path, env, *options, resume=False, log=subprocess.PIPE, **environment):
        self.out, self.gates, self.env = tmp_path / "run", tmp_path / "gates", env
        self.gates.mkdir(exist_ok=True)
        what = [env, "--resume" if resume else "--out", self.out]
        command = [sys.executable, "-m", "a3c_numba", "train", *map(str, [*what, *options])]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            env=os.environ | {"GATE_FOLDER": str(self.gates)} | environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def workers(self):
        return workers_of(self.process.pid)

    def living(self):
        """Process ids of its group: the main process and whatever it has started."""
        return {pid for pid, (_, _, group) in processes().items() if group == self.process.pid}

    def episodes(self):
        return table(self.out / "episodes.csv")

    def events(self):
        return [row["event"] for row in table(self.out / "events.csv")]

    def trains(self, workers=1, seconds=PATIENCE):
        """Wait until that many workers have finished an episode."""
        until(lambda: len({row["worker"] for row in self.episodes()}) >= workers, seconds)

    def open(self):
        """Let slow environments run at full speed."""
        (self.gates / "open").touch()

    def ended(self, seconds=PATIENCE):
        """Exit code and standard error."""
        _, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, err
