"""The script for bash completes commands, options and choices; other words are files."""

import shutil
import subprocess

import pytest

from a3c_numba.cli.parser import COMMANDS, parser_for
from tests.programs import program


@pytest.fixture(scope="module")
def script():
    """The script as the command prints it."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert program("completion", "bash") == 0
    return out.getvalue()


def completed(script, *words):
    """What bash offers for the last of the words."""
    if not shutil.which("bash"):
        pytest.skip("no bash")
    code = (f"{script}\nCOMP_WORDS=(a3c-numba {' '.join(repr(word) for word in words)}); COMP_CWORD={len(words)}\n"
            "_a3c_numba; echo ${COMPREPLY[@]}")
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
    assert not done.stderr
    return done.stdout.split()


def test_a_command_is_completed(script):
    assert completed(script, "") == list(COMMANDS)
    assert completed(script, "che") == ["check-gradients"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_completed(script, command):
    options = parser_for([command]).commands[command].options
    assert completed(script, command, "-") == list(options)


def test_a_choice_is_completed(script):
    assert completed(script, "train", "Catch", "--preset", "") == ["paper", "atari", "classic", "continuous", "dqn"]
    assert completed(script, "train", "--algorithm", "n") == ["n_step_q"]


def test_other_words_are_left_to_bash(script):
    assert completed(script, "play", "") == completed(script, "train", "--out", "ru") == []
    assert "-o default" in script
