"""Break it: eight classic silent bugs, each injected into a run on a toy, to be named from its curves.

    bug.py       a bug as the lines that it changes; injects them into this process and removes them
    trial.py     a short run, and its record
    toys.py      toys that make a bug visible
    lesson.py    the parts of a lesson; the numbers to look at
    lessons.py   the eight lessons: a new one is one more object and one name in LESSONS
    picture.py   healthy and broken runs in one picture

cli/bugs.py runs them.
"""

from .lessons import LESSONS

__all__ = ["LESSONS"]
