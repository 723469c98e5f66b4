"""Each bug is caught by the tests that its lesson names, which pass without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from a3c_numba.teaching.bugs import LESSONS

ROOT = Path(__file__).parents[3]
NUMBERS = range(1, len(LESSONS) + 1)


def run_tests(bug, tests):
    """Return pytest's exit code and output for ``tests``, in a process with the bug, or without for 0."""
    environ = {**os.environ, "A3C_BUG": str(bug), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.teaching.bugs.plugin", "-p", "no:cacheprovider", "-p",
               "no:hypothesispytest", "--color=no", "-n0", "-rfE", *tests]    # Hypothesis takes a second to import
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.long
def test_without_a_bug_all_of_them_pass():
    tests = sorted({test for lesson in LESSONS for test in lesson.tests})
    code, words = run_tests(0, tests)
    assert code == 0, words
    assert len(tests) >= 8 and "skipped" not in words


@pytest.mark.parametrize("number", NUMBERS, ids=[lesson.name.replace(" ", "-") for lesson in LESSONS])
def test_a_bug_is_caught_by_each_test_that_its_lesson_names(number):
    """By an assertion that fails, not by an error on the way to it."""
    tests = LESSONS[number - 1].tests
    code, words = run_tests(number, tests)
    assert code == 1, words
    failed = [line for line in words.splitlines() if line.startswith("FAILED ")]
    for test in tests:
        own = [line for line in failed if line.startswith(f"FAILED {test}")]
        assert own and all("AssertionError" in line or "- assert " in line for line in own), words
