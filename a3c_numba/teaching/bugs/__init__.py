"""Break it: eight classic silent bugs, each put into a run on a toy, to be named from its curves.

    bug.py       a bug as the lines that it changes; puts them into this process and takes them out again
    trial.py     a short run, and what is written down of it
    toys.py      toys on which a bug shows
    lesson.py    what a lesson is made of; the numbers to look at
    lessons.py   the eight: a new one is one more object and one name in LESSONS
    picture.py   healthy and broken beside each other

cli/bugs.py shows them.
"""

from .lessons import LESSONS

__all__ = ["LESSONS"]
