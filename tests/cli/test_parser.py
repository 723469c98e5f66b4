"""The menu: one file a command, the same two functions in each, and none imported before its command is typed."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import a3c_numba.cli
from a3c_numba.cli.parser import COMMANDS, parser_for
from tests.programs import program

FOLDER = Path(a3c_numba.cli.__file__).parent


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_a_file_with_two_functions(name):
    module = import_module(f"a3c_numba.cli.{COMMANDS[name][0]}")
    assert list(inspect.signature(module.add_arguments).parameters) == ["parser"]
    assert list(inspect.signature(module.run).parameters) == ["arguments"]
    assert module.__doc__.startswith(f"``a3c-numba {name}")


def test_every_file_with_a_command_is_in_the_menu():
    found = {path.stem for path in FOLDER.glob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8")}
    assert found == {file for file, _ in COMMANDS.values()}


def test_the_menu_imports_no_command():
    code = ("import sys; from a3c_numba.cli.parser import COMMANDS, parser_for; parser_for(['--help']); "
            "print([name for name in sys.modules if name.removeprefix('a3c_numba.cli.') in "
            "{file for file, _ in COMMANDS.values()}])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help(name, capsys):
    assert program(name, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: a3c-numba {name} ") and COMMANDS[name][1][1:] in " ".join(text.split())


@pytest.mark.parametrize("words, near", [
    (["train", "--entropy-wieght", "1"], "; did you mean --entropy-weight"),
    (["train", "--entropy-wieght=1"], "; did you mean --entropy-weight"),
    (["evaluate", "run", "--episode", "3"], "; did you mean --episodes?"),
    (["play", "run", "--vidoe"], "; did you mean --video?"), (["trian"], "; did you mean train?"),
    (["train", "--qqqqq"], "--qqqqq (see"), (["xyz"], "no command is called 'xyz' (see"),
])
def test_a_misspelt_word_gets_near_matches(words, near):
    with pytest.raises(ValueError) as error:
        parser_for(words).parse_args(words)
    assert near in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("command", ["train", "sweep", "check-gradients", "race"])
def test_an_environment_is_named_with_or_without_the_option(command):
    for words in ([command, "Catch"], [command, "--env", "Catch"], [command, "--env=Catch"]):
        assert parser_for(words).parse_args(words).env == "Catch"
    for words in ([command, "Cue", "--env", "Corridor"], [command, "--env", "Corridor", "Cue"]):
        with pytest.raises(ValueError, match="two environments are named: C"):
            parser_for(words).parse_args(words)


def test_only_what_is_typed_gets_its_options():
    options = {name: command._actions for name, command in parser_for(["plot"])._actions[-1].choices.items()}
    assert len(options["plot"]) > 1 and len(options["train"]) == 1       # --help alone


def test_a_tilde_in_any_argument_is_the_home_folder(monkeypatch):
    """A shell does not expand it in --out=~/picture.png, nor in quotes."""
    monkeypatch.setenv("HOME", "/home/me")
    words = ["plot", "~/runs/a", "runs/b~", "./~", "--out=~/picture.png"]
    typed = parser_for(words).parse_args(words)
    assert typed.runs == ["/home/me/runs/a", "runs/b~", "./~"] and typed.out == "/home/me/picture.png"
    words = ["train", "--resume", "~/run", "--env-kwargs", '{"name": "~"}']
    typed = parser_for(words).parse_args(words)
    assert typed.resume == "/home/me/run" and typed.env_kwargs == {"name": "~"} and typed.out is None


@pytest.mark.parametrize("number", ["-10", "-1e1", "-1.5E+2", "-.5"])
def test_a_negative_number_is_a_value_in_any_form(number):
    arguments = parser_for(["train"]).parse_args(["train", "Catch", "--stop-at", number])
    assert arguments.stop_at == float(number)
