"""An environment of one's own on the command line: a module beside the program, keyword arguments, wrong ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from a3c_numba.cli import env_options
from a3c_numba.runs.checkpoint import load
from tests.cli.test_cli import refused
from tests.programs import program
from tests.runs.test_checkpoint import with_meta

ROOT = Path(__file__).parents[2]
SHORT = ["--workers", 1, "--hidden", 4, "--total-steps", 200]
MODULE = '''
import gymnasium
from a3c_numba.envs.toys import Catch

class Ball(Catch):
    def __init__(self, columns=5):
        super().__init__(columns=columns)

gymnasium.register("Ball-v0", entry_point=Ball)
'''


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))


def installed(tmp_path, *arguments):
    """Run the program as its console script does: from a file in another folder, so that '' is not on sys.path."""
    script = tmp_path / "a3c-numba.py"
    script.write_text("import sys\nfrom a3c_numba.__main__ import main\n\nif __name__ == '__main__':\n"
                      "    sys.exit(main())\n")
    return subprocess.run([sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=120)


@pytest.mark.parametrize("name", ["own_ball:Ball", "own_ball:Ball-v0"])
@pytest.mark.long
def test_a_module_in_the_current_folder_is_trained_and_played(tmp_path, name):
    Path("own_ball.py").write_text(MODULE)
    kwargs = ["--env-kwargs", '{"columns": 3}']
    ended = installed(tmp_path, "train", name, *SHORT, *kwargs, "--out", "run")
    assert ended.returncode == 0, ended.stderr
    config = json.loads(Path("run/config.json").read_text())
    assert (config["env"], config["env_kwargs"]) == (name, {"columns": 3})
    for words in (["evaluate", "run", "--env", name, "--episodes", 2], ["play", "run", "--env", name],
                  ["train", name, "--resume", "run", "--total-steps", 400]):
        ended = installed(tmp_path, *words)
        assert ended.returncode == 0, ended.stderr
    assert load(Path("run/final.npz"), "Catch", {"columns": 3}).global_step >= 400


def test_the_current_folder_is_the_last_and_only_if_needed():
    before = list(sys.path)
    Path("json.py").write_text("")
    Path("own_ball.py").write_text(MODULE)
    for name in ("Catch", "json:X", "no_such:X", "a b:X", ":X", "CartPole-v1"):
        assert env_options.env_name(name) == name and sys.path == before
    env_options.env_name("own_ball:Ball")
    env_options.env_name("own_ball:Ball")
    assert sys.path == [*before, os.getcwd()]


@pytest.mark.parametrize("words", [["train", *SHORT, "--out", "run"], ["sweep", "--runs", 1, *SHORT, "--out", "run"],
                                   ["speedup", "--target-score", 9, *SHORT, "--out", "run"],
                                   ["check-gradients", "--coordinates", 1], ["trace"],
                                   ["race", "--seconds", 0.1, "--compare", 1, "--workers", 1]],
                         ids=lambda words: words[0])
def test_every_command_with_an_environment_takes_arguments(words, capsys):
    assert "cannot be made with {'length': 0}" in refused(capsys, words[0], "Corridor", *words[1:], "--env-kwargs",
                                                          '{"length": 0}')
    assert program(words[0], "Corridor", *words[1:], "--env-kwargs", '{"length": 2}') == 0


@pytest.fixture
def corridor():
    assert program("train", "Corridor", *SHORT, "--env-kwargs", '{"length": 3}', "--out", "run") == 0
    return Path("run")


@pytest.mark.parametrize("words", [["evaluate", "--episodes", 2], ["play"], ["trace"],
                                   ["portrait", "--steps", 5, "--video", ".gif"]], ids=lambda words: words[0])
def test_a_run_keeps_its_arguments(corridor, words, capsys):
    command, *rest = words
    assert program(command, corridor, *rest) == 0
    assert program(command, corridor, *rest, "--env", "Corridor") == 0
    assert program(command, corridor, *rest, "--env", "Catch", "--env-kwargs", '{"rows": 3, "columns": 1}') == 0
    capsys.readouterr()
    assert program(command, corridor, *rest, "--env-kwargs", '{"length": 5}') == 2
    assert "another network or environment" in capsys.readouterr().err
    assert program(command, corridor, *rest, "--env", "Catch") == 2       # which has no length, and 50 numbers


def test_resume_takes_the_same_arguments_or_none(corridor, capsys):
    line = refused(capsys, "train", "--resume", corridor, "--env-kwargs", '{"length": 4}')
    assert line.endswith('with the keyword arguments {"length": 3}: they cannot become {"length": 4}')
    assert program("train", "--resume", corridor, "--total-steps", 400, "--env-kwargs", '{"length": 3}') == 0
    assert program("train", "--resume", corridor, "--total-steps", 600) == 0
    assert load(corridor / "final.npz").config.env_kwargs == {"length": 3}


def test_files_without_arguments_load(capsys):
    """As version 0.1 wrote them."""
    assert program("train", "Corridor", *SHORT, "--out", "run") == 0
    config = json.loads(Path("run/config.json").read_text())
    assert config.pop("env_kwargs") == {}
    Path("run/config.json").write_text(json.dumps(config))
    for path in Path("run").glob("*.npz"):
        with_meta(path, config=config)
    assert program("train", "--resume", "run", "--total-steps", 400) == 0
    assert program("evaluate", "run", "--episodes", 1) == 0 and program("report", "run") == 0


def test_the_report_shows_the_arguments(corridor):
    assert program("report", corridor, "--no-clip") == 0
    page = (corridor / "report.html").read_text()
    assert "<code>env_kwargs</code>" in page and "length&quot;: 3" in page


@pytest.mark.parametrize("text, line", [
    ("{", "--env-kwargs: must be a JSON object, such as"), ("[]", "must be a JSON object; got '[]'"),
    ("5", "JSON object"), ('{"render_mode": "human"}', "cannot set render_mode"), ("[" * 100_000, "JSON object"),
    ('{"x": NaN}', "must be finite numbers"), ('{"length": true}', "length must be a whole number"),
    ('{"a b": 1}', "unexpected keyword"),
])
def test_wrong_arguments_are_one_line(capsys, text, line):
    assert line in refused(capsys, "train", "Corridor", "--env-kwargs", text)


def test_help_says_where_a_module_is_searched_for(capsys):
    assert program("train", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "module:Factory; the module is installed, on PYTHONPATH, or else in the current folder" in text
    assert "--env-kwargs JSON keyword arguments of the environment" in text
