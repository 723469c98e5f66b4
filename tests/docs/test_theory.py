"""The page of theory and the plan of the course: their numbers and their parts."""

import re
from pathlib import Path

import numpy as np
import pytest

import a3c_numba
from a3c_numba.envs.toys import Corridor
from a3c_numba.teaching.bugs.lessons import LESSONS
from a3c_numba.teaching.exercises.menu import EXERCISES

THEORY = (Path(a3c_numba.__file__).parent / "docs/theory.md").read_text(encoding="utf-8")
COURSE = (Path(__file__).parents[2] / "examples/COURSE.md").read_text(encoding="utf-8")
GAMMA = 0.99


def action_values(place, after):
    """Q (3,) of the three actions at a place of Corridor, played; ``after`` (5,) are the values of the places."""
    found = []
    for action in range(3):
        env = Corridor()
        env.reset()
        for right in range(place):
            env.step(right % 3)
        _, reward, terminated, _, _ = env.step(action)
        found.append(reward + GAMMA * after[place + 1] * (not terminated))
    return np.array(found)


@pytest.mark.parametrize("row, of", [("V, random actions", np.mean), ("V*, best actions", np.max)])
def test_the_values_of_the_corridor_are_bellmans(row, of):
    values = np.zeros(5)
    for place in range(3, -1, -1):
        values[place] = of(action_values(place, values))
    written = re.search(rf"^\| {re.escape(row)} \| (.*) \|$", THEORY, re.MULTILINE)[1].split(" | ")
    assert np.array(written, float) == pytest.approx(values[:4], abs=5e-4)


def test_the_advantages_of_the_corridor_are_right():
    values = np.array([0, *(GAMMA ** (3 - place) / 3 ** (4 - place) for place in (1, 2, 3)), 0])
    q = action_values(0, values)
    assert (q.max().round(3), *np.unique((q - q.mean()).round(3))) == (0.036, -0.012, 0.024)
    assert "Q = gamma V(1) = 0.036 and A = 0.024; each wrong one has Q = 0 and A = -0.012" in THEORY


def test_the_course_has_every_lesson_exercise_and_bug():
    lessons = {int(number) for number in re.findall(r"lesson (\d+)", COURSE)}
    words = " ".join(re.findall(r"exercises? [\d, andthen]+|check \d`", COURSE))
    exercises = {int(number) for number in re.findall(r"\d+", words)}
    bugs = set(re.findall(r"\d", " ".join(re.findall(r"break \d`(?:[, and]+`\d`)*", COURSE))))
    assert lessons == set(range(1, 11)) and exercises == set(range(1, len(EXERCISES) + 1))
    assert bugs == {str(number) for number in range(1, len(LESSONS) + 1)}
