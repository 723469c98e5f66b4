"""``a3c-numba exercises list | start [FOLDER] | check N|all [--folder FOLDER]``."""

import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..teaching.exercises.grader import Grade, Verdict, grade
from ..teaching.exercises.menu import EXERCISES, Exercise

FOLDER = "exercises"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's three actions."""
    menu = parser.add_subparsers(dest="action", required=True, metavar="list|start|check")
    menu.add_parser("list", help="list the exercises")
    start = menu.add_parser("start", help="write the ten files with blanks into a folder; existing files are kept")
    start.add_argument("folder", nargs="?", default=FOLDER, metavar="FOLDER",
                       help=f"folder to write to (default {FOLDER})")
    check = menu.add_parser("check", help="grade an exercise: right, or the first number that differs")
    check.add_argument("which", metavar="N|all", help="number of an exercise, or all")
    check.add_argument("--folder", metavar="FOLDER",
                       help=f"folder of the files (default {FOLDER}, or the current folder)")


def run(arguments: Namespace) -> int:
    """Execute the action; return 1 if an exercise is not right.  Raise ValueError or OSError."""
    if arguments.action == "list":
        for exercise in EXERCISES.values():
            print(f"{exercise.number:2}  {exercise.title:48}{exercise.file}")
        return 0
    return start(arguments) if arguments.action == "start" else check(arguments)


def start(arguments: Namespace) -> int:
    """Write the learner's files; keep those that exist."""
    folder = Path(arguments.folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give a folder")
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for exercise in EXERCISES.values():
        try:
            with open(folder / exercise.file, "x", encoding="utf-8") as file:
                file.write(exercise.blank())
        except FileExistsError:
            kept.append(exercise.file)
    if kept:
        print(f"kept: {', '.join(kept)}")
    option = "" if folder == Path(FOLDER) else f" --folder {shlex.quote(str(folder))}"
    written = len(EXERCISES) - len(kept)
    print(f"{written or 'no new'} files with blanks in {folder}; fill in {EXERCISES[1].file}, then\n"
          f"    a3c-numba exercises check 1{option}")
    return 0


def check(arguments: Namespace) -> int:
    """Grade one exercise, or all of them, one line each."""
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
        _found(EXERCISES[1], folder)                                     # raises, naming the folder
    right = 0
    for exercise, path in paths.items():
        verdict = grade(exercise, path) if path else Verdict(Grade.NO_FILE)
        right += verdict.grade is Grade.RIGHT
        why = f"  {verdict.lines[0]}" if verdict.grade is Grade.WRONG else ""
        print(f"{exercise.number:2}  {exercise.title:48}{verdict.grade.value}{why}", flush=True)
    print(f"{right} of {len(EXERCISES)} right")
    return 0 if right == len(EXERCISES) else 1


def _path(exercise: Exercise, folder: str | None) -> Path | None:
    folders = [Path(folder)] if folder else [Path(FOLDER), Path()]
    return next((place / exercise.file for place in folders if (place / exercise.file).is_file()), None)


def _found(exercise: Exercise, folder: str | None) -> Path:
    """Return the learner's file; raise ValueError if there is none."""
    path = _path(exercise, folder)
    if path is None:
        start_it = f"a3c-numba exercises start{f' {shlex.quote(folder)}' if folder else ''}"
        raise ValueError(f"no {exercise.file} in {folder or FOLDER}: `{start_it}` writes the files")
    return path
