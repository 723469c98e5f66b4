"""``a3c-numba break``: list the bugs, compare healthy and broken runs, print an answer."""

import textwrap
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..teaching.bugs.lesson import Lesson
from ..teaching.bugs.lessons import LESSONS
from ..teaching.bugs.picture import Runs, draw, mean, middles
from .hyperparameter_options import whole_number
from .shared_options import writable_picture

ROWS = 8                       # lines of the table
LEAST_STEPS, MOST_STEPS = 500, 1_000_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("bug", nargs="?", metavar="N",
                        help=f"number of a bug, 1 to {len(LESSONS)}: train without and with it")
    parser.add_argument("--list", action="store_true", help="print the bugs' numbers and symptoms, without answers")
    parser.add_argument("--answer", action="store_true",
                        help="print the bug's name, its lines, and the test that catches it")
    parser.add_argument("--seeds", type=whole_number, default=3, metavar="N", help="runs of each kind (default 3)")
    parser.add_argument("--steps", type=whole_number, metavar="N",
                        help="agent steps of each run (default: the lesson's)")
    parser.add_argument("-o", "--out", metavar="FILE", help="picture to write (default bugN.png)")


def run(arguments: Namespace) -> int:
    """Print the list or an answer, or train without and with the bug; raise ValueError."""
    lessons = {str(number): lesson for number, lesson in enumerate(LESSONS, 1)}
    bug, steps = arguments.bug, arguments.steps
    if arguments.list or bug is None:
        rows = [f"{number}  {lesson.symptom}" for number, lesson in lessons.items()]
        print(*rows, "", "a3c-numba break N trains without and with bug N, in less than a minute.", sep="\n")
        return 0
    if bug not in lessons:
        raise ValueError(f"bugs are numbered 1 to {len(LESSONS)}; got {bug!r}")
    if arguments.answer:
        print(answer(bug, lessons[bug]))
        return 0
    if not 1 <= arguments.seeds <= 20:
        raise ValueError(f"seeds must be at least 1 and at most 20; got {arguments.seeds}")
    if steps is not None and not LEAST_STEPS <= steps <= MOST_STEPS:
        raise ValueError(f"steps must be at least {LEAST_STEPS} and at most {MOST_STEPS:,}; got {steps}")
    out = writable_picture(Path(arguments.out or f"bug{bug}.png"))
    show(bug, lessons[bug], arguments.seeds, steps, out)
    return 0


def show(number: str, lesson: Lesson, seeds: int, steps: int | None, out: Path) -> None:
    """Train, print a table, draw the picture, and ask which bug it is."""
    runs: Runs = {name: [lesson.record(seed, steps, name == "broken") for seed in range(seeds)]
                  for name in ("healthy", "broken")}
    print(f"bug {number}, {lesson.config.env_name}, {seeds} seed{'s' if seeds > 1 else ''}: {lesson.symptom}\n")
    print(table(lesson, runs))
    draw(f"bug {number}: healthy and broken on {lesson.config.env_name}", lesson.gauges, runs, out)
    print(f"\nevery seed in {out}\nWhich bug is it?  For the answer: a3c-numba break {number} --answer")


def table(lesson: Lesson, runs: Runs) -> str:
    """Return the means over all seeds in ROWS rows, each over an equal part of a run."""
    columns = [mean([gauge.curve(record) for record in runs[name]]) for gauge in lesson.gauges for name in runs]
    legend = [f"{letter}: {gauge.label}, mean over the seeds" for letter, gauge in zip("AB", lesson.gauges)]
    head = f"{'steps':>8}" + "".join(f"{f'{letter} {name}':>13}" for letter in "AB" for name in runs)
    steps = middles(runs["healthy"][0])
    every = len(steps) // ROWS
    lines = []
    for part in (slice(k, k + every) for k in range(0, len(steps), every)):
        values = [float(mean(list(column[part, None]))[0]) for column in columns]
        cells = "".join(f"{'--' if value != value else f'{value:.2f}':>13}" for value in values)
        lines.append(f"{steps[part].mean():8.0f}{cells}")
    return "\n".join([*legend, "", head, *lines])


def answer(number: str, lesson: Lesson) -> str:
    """Return the bug's name, its lines, what it teaches, and the tests that catch it."""
    text = textwrap.fill(" ".join(lesson.text.split()), 100)
    caught = "\n".join(f"    python -m pytest {test}" for test in lesson.tests)
    return f"bug {number}: {lesson.name}\n\n{lesson.bug.diff()}\n\n{text}\n\ncaught by\n{caught}"
