"""``a3c-numba exercises list | start [FOLDER] | check N|all [--folder FOLDER]``."""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..teaching.exercises.grader import Grade, Verdict, grade
from ..teaching.exercises.menu import EXERCISES, Exercise

FOLDER = "exercises"


def add_arguments(parser: ArgumentParser) -> None:
    """What may be typed behind ``exercises``."""
    menu = parser.add_subparsers(dest="action", required=True, metavar="list|start|check")
    menu.add_parser("list", help="what there is")
    start = menu.add_parser("start", help="put the ten files with blanks into a folder; none is overwritten")
    start.add_argument("folder", nargs="?", default=FOLDER, metavar="FOLDER", help=f"default {FOLDER}")
    check = menu.add_parser("check", help="right, or the first number that differs")
    check.add_argument("which", metavar="N|all", help="number of an exercise")
    check.add_argument("--folder", metavar="FOLDER", help=f"where the files are (default {FOLDER}, or here)")


def run(arguments: Namespace) -> int:
    """0; 1 where an exercise is not right.  Raises ValueError for what cannot be used, and OSError."""
    return ACTIONS[arguments.action](arguments)


def show_list(arguments: Namespace) -> int:
    """Print number, title and file of each exercise."""
    for exercise in EXERCISES.values():
        print(f"{exercise.number:2}  {exercise.title:48}{exercise.file}")
    return 0


def start(arguments: Namespace) -> int:
    """Write the blanks; a file that is there stays as it is."""
    folder = Path(arguments.folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    kept = [exercise.file for exercise in EXERCISES.values() if not _written(exercise, folder)]
    if kept:
        print(f"left as they were: {', '.join(kept)}")
    option = "" if folder == Path(FOLDER) else f" --folder {shlex.quote(str(folder))}"
    written = len(EXERCISES) - len(kept)
    print(f"{written or 'no new'} files with blanks in {folder}; fill in {EXERCISES[1].file}, then\n"
          f"    a3c-numba exercises check 1{option}")
    return 0


def _written(exercise: Exercise, folder: Path) -> bool:
    """Whether the file was new."""
    try:
        with open(folder / exercise.file, "x", encoding="utf-8") as file:
            file.write(exercise.blank())
    except FileExistsError:
        return False
    return True


def check(arguments: Namespace) -> int:
    """Grade one exercise, or all of them in a line each."""
    if arguments.which == "all":
        return _check_all(arguments.folder)
    if not arguments.which.isdecimal() or int(arguments.which) not in EXERCISES:
        raise ValueError(f"there is no exercise {arguments.which!r}: 1 to {len(EXERCISES)}, or all")
    exercise = EXERCISES[int(arguments.which)]
    verdict = grade(exercise, _found(exercise, arguments.folder))
    print(f"exercise {exercise.number}, {exercise.title}: {verdict.grade.value}")
    for line in verdict.lines:
        print(f"  {line}")
    return 0 if verdict.grade is Grade.RIGHT else 1


def _check_all(folder: str | None) -> int:
    paths = {exercise: _path(exercise, folder) for exercise in EXERCISES.values()}
    if not any(paths.values()):
        _found(EXERCISES[1], folder)                                     # says where they should be
    right = 0
    for exercise, path in paths.items():
        verdict = grade(exercise, path) if path else Verdict(Grade.NO_FILE)
        right += verdict.grade is Grade.RIGHT
        print(_summary(exercise, verdict))
        sys.stdout.flush()
    print(f"{right} of {len(EXERCISES)} right")
    return 0 if right == len(EXERCISES) else 1


def _summary(exercise: Exercise, verdict: Verdict) -> str:
    why = f"  {verdict.lines[0]}" if verdict.grade is Grade.WRONG else ""
    return f"{exercise.number:2}  {exercise.title:48}{verdict.grade.value}{why}"


def _path(exercise: Exercise, folder: str | None) -> Path | None:
    folders = [Path(folder)] if folder else [Path(FOLDER), Path()]
    return next((place / exercise.file for place in folders if (place / exercise.file).is_file()), None)


def _found(exercise: Exercise, folder: str | None) -> Path:
    """The learner's file; raises ValueError where there is none."""
    path = _path(exercise, folder)
    if path is None:
        start_it = f"a3c-numba exercises start{f' {shlex.quote(folder)}' if folder else ''}"
        raise ValueError(f"no {exercise.file} in {folder or FOLDER}: `{start_it}` puts the files there")
    return path


ACTIONS = {"list": show_list, "start": start, "check": check}
