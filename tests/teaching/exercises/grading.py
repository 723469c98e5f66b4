"""The command as a learner types it, and solutions with a mistake put in."""

import argparse

from a3c_numba.cli.exercises import add_arguments, run
from a3c_numba.teaching.exercises.menu import EXERCISES


def exercises(*arguments):
    """The exit code of ``a3c-numba exercises ...``."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def text_of(kind, number):
    """A file as a learner gets it, or solved: kind is "blanks" or "solutions"."""
    exercise = EXERCISES[number]
    return exercise.blank() if kind == "blanks" else exercise.solution()


def put(folder, number, text):
    """Write ``text`` as the learner's file."""
    path = folder / EXERCISES[number].file
    path.write_text(text, encoding="utf-8")
    return path


def mistaken(number, right, wrong):
    """The solution with the one place that says ``right`` changed."""
    text = text_of("solutions", number)
    assert text.count(right) == 1, f"{right!r} is {text.count(right)} times in the solution"
    return text.replace(right, wrong)
