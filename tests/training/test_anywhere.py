"""Training starts from wherever Python runs: workers import what the main process does, and never the program."""

import os
import pty
import select
import subprocess
import sys
import textwrap
import time

import pytest

from tests.faults.runs import ROOT
from tests.promises import PATIENCE

ENVIRONMENT = """
import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

class Mine(gymnasium.Env):
    observation_space, action_space, t = Box(-1, 1, (3,), np.float32), Discrete(2), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(3, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.zeros(3, np.float32), 1.0, self.t == 5, False, {}
"""
LEARNS = """
from a3c_numba import Agent
agent = Agent({env}, workers=2, preset="classic").learn(300)
print("replaced", agent._checkpoint.streams > 2, "scores", agent.evaluate(3, workers=2).tolist())
"""
SAID = "replaced False scores [5.0, 5.0, 5.0]"
DEFINITIONS = {
    "class": ("", "Mine"),
    "lambda": ("", "lambda: Mine()"),
    "closure": ("def maker(made):\n    return lambda: made()", "maker(Mine)"),
    "registered": ('gymnasium.register("Mine-v0", entry_point=Mine)', '"Mine-v0"'),
    "registered by name": ('gymnasium.register("Mine-v0", entry_point="__main__:Mine")', '"Mine-v0"'),
    "registered with a limit": ('gymnasium.register("Mine-v0", entry_point=lambda: Mine(), max_episode_steps=9)',
                                '"Mine-v0"'),
}


def text_of(name):
    """A program without ``if __name__ == "__main__"``."""
    definition, env = DEFINITIONS[name]
    return f"{ENVIRONMENT}\n{definition}\n{LEARNS.format(env=env)}"


def run(arguments, folder, **options):
    """Standard output and error of a program that succeeds."""
    ended = subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, text=True, capture_output=True,
                           timeout=PATIENCE, env=os.environ | {"PYTHONPATH": str(ROOT)}, **options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, ended.stderr


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.long
def test_a_program_without_a_main_guard_learns(tmp_path, name):
    (tmp_path / "program.py").write_text(text_of(name))
    assert run(["program.py"], tmp_path) == (f"{SAID}\n", "")


def test_a_program_from_standard_input_learns(tmp_path):
    assert run(["-"], tmp_path, input=text_of("lambda")) == (f"{SAID}\n", "")


@pytest.mark.long
def test_a_program_given_as_an_argument_learns(tmp_path):
    assert run(["-c", text_of("registered")], tmp_path) == (f"{SAID}\n", "")


@pytest.mark.long
def test_a_guarded_program_is_run_once(tmp_path):
    (tmp_path / "program.py").write_text(f"print('here')\nif __name__ == '__main__':\n"
                                         f"{textwrap.indent(text_of('class'), '    ')}")
    assert run(["program.py"], tmp_path) == (f"here\n{SAID}\n", "")


@pytest.mark.long
def test_a_console_learns(tmp_path):
    """A REPL at a pseudo-terminal, into which the lines are typed."""
    ours, theirs = pty.openpty()
    environ = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "dumb", "PYTHON_BASIC_REPL": "1"}
    console = subprocess.Popen([sys.executable, "-q"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path,
                               env=environ, start_new_session=True)
    os.close(theirs)
    try:
        for line in typed(text_of("registered")):
            os.write(ours, f"{line}\n".encode())
            time.sleep(0.02)
        shown = read_until(ours, SAID)
        os.write(ours, b"exit()\n")
        assert console.wait(PATIENCE) == 0 and "Traceback" not in shown, shown
    finally:
        console.kill()
        console.wait()
        os.close(ours)


def typed(text):
    """The lines of a program as one types them: an empty line ends a block, and there is none inside."""
    lines = [line for line in text.splitlines() if line]
    for line, following in zip(lines, [*lines[1:], ""]):
        yield line
        if line.startswith(" ") and not following.startswith(" "):
            yield ""


def read_until(terminal, text):
    """What a terminal shows up to this text."""
    shown, deadline = "", time.monotonic() + PATIENCE
    while text not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


@pytest.mark.parametrize("name", ["class", "lambda", "registered"])
@pytest.mark.long
def test_a_notebook_learns(tmp_path, monkeypatch, name):
    """By a kernel of its own."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    definition, env = DEFINITIONS[name]
    cells = [nbformat.v4.new_code_cell(text) for text in (ENVIRONMENT, definition, LEARNS.format(env=env))]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert notebook.cells[-1].outputs[0].text.strip() == SAID


SHADOWS = ("random.py", "gymnasium.py", "a3c_numba/__init__.py", "cloudpickle.py", "importlib.py", "socket.py")
COMMAND = "import sys\nfrom a3c_numba.__main__ import main\nsys.exit(main())\n"       # what pip makes of it


@pytest.mark.parametrize("arguments", [("train", "CartPole-v1", "--workers", 2, "--total-steps", 300),
                                       ("evaluate", "{agent}", "--episodes", 2, "--workers", 2)])
def test_files_named_like_modules_are_not_imported(tmp_path, catch_run, arguments):
    """In the current folder; the console command's own folder comes first in ``sys.path``, and that one does not."""
    folder, programs = tmp_path / "folder", tmp_path / "programs"
    programs.mkdir()
    (programs / "a3c-numba").write_text(COMMAND)
    for name in SHADOWS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write(__name__)\nraise SystemExit(7)\n")
    words = [str(word).format(agent=catch_run / "final.npz") for word in arguments]
    out, err = run([programs / "a3c-numba", *words], folder)
    assert not (tmp_path / "imported").exists() and "Traceback" not in err and "replaced" not in err


def test_workers_find_what_the_program_added_to_its_path(tmp_path):
    """A module beside the program, and another one in a folder that it names, with a folder of data that it enters."""
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "beside.py").write_text(ENVIRONMENT)
    (tmp_path / "mine" / "deep" / "below.py").write_text("from beside import Mine\nopen('data').close()\n")
    (tmp_path / "data").touch()
    program = "import os, sys\nsys.path.insert(0, sys.path[0] + '/deep')\nimport below\n"
    (tmp_path / "mine" / "program.py").write_text(program + LEARNS.format(env="below.Mine"))
    assert run(["mine/program.py"], tmp_path) == (f"{SAID}\n", "")


@pytest.mark.long
def test_a_program_that_leaves_its_folder_learns(tmp_path):
    """The package lay in the folder that it has left, which its ``sys.path`` calls "" only."""
    (tmp_path / "a3c_numba").symlink_to(ROOT / "a3c_numba")
    program = "import os, sys\nimport a3c_numba.agent\nos.chdir('/')" + text_of("class")
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, text=True, capture_output=True,
                           timeout=PATIENCE, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})
    assert ended.stdout == f"{SAID}\n", ended.stderr


@pytest.mark.parametrize("entry_point", ["Mine", "'mine:Mine'"])
@pytest.mark.parametrize("env", ["Mine-v0", "mine:Mine-v0"])
@pytest.mark.long
def test_a_module_that_registers_its_ids_does_so_in_silence(tmp_path, env, entry_point):
    """In a worker as well, to which they are also sent."""
    registers = "".join(f"gymnasium.register('{name}-v0', entry_point={entry_point})\n" for name in ("Mine", "Other"))
    (tmp_path / "mine.py").write_text(ENVIRONMENT + registers)
    (tmp_path / "program.py").write_text("import mine\n" + LEARNS.format(env=repr(env)))
    assert run(["program.py"], tmp_path) == (f"{SAID}\n", "")


@pytest.mark.long
def test_other_registered_ids_are_imported_by_no_worker(tmp_path):
    """Each may bring a large package with it."""
    program = "import gymnasium, heavy\ngymnasium.register('Heavy-v0', entry_point=heavy.Heavy)\n"
    (tmp_path / "program.py").write_text(program + text_of("class"))
    (tmp_path / "heavy.py").write_text("print('imported')\nclass Heavy:\n    pass\n")
    assert run(["program.py"], tmp_path) == (f"imported\n{SAID}\n", "")


SPAWNS = "from a3c_numba.system import worker_server\nworker_server.FORKS = False\n"


@pytest.mark.long
def test_workers_learn_where_there_is_no_fork(tmp_path):
    """Each is a new interpreter."""
    (tmp_path / "program.py").write_text(SPAWNS + text_of("lambda"))
    assert run(["program.py"], tmp_path) == (f"{SAID}\n", "")
