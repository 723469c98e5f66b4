"""A real run in processes of its own, to be done harm."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

from ..promises import PATIENCE, until

ROOT = Path(__file__).parent.parent.parent


def workers_of(pid):
    """Process ids of the workers of a main process: children of its fork server, or where there is none its own."""
    servers = children(pid, b"forkserver")
    return [worker for server in servers for worker in children(server)] if servers else children(pid, b"spawn_main")


def children(pid, kind=b""):
    """Process ids of a process's children with such a command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z" and kind in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            pass                                                         # it has ended meanwhile
    return sorted(found)


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
