"""The menu of ``a3c-numba``: every command is one file of this folder, with ``add_arguments(parser)`` and ``run``.

``add_arguments`` declares the command's options; ``run(arguments) -> int`` executes it and returns the exit code.
"""

import argparse
import difflib
import re
import sys
from importlib import import_module
from typing import Any, Iterable, NoReturn

from .. import __version__
from ..system.user_path import user_path

# Command -> its file here, and its line in the menu.  A file is imported only if its command is typed.
COMMANDS = {
    "train": ("train", "train an agent"),
    "evaluate": ("evaluate", "play whole games and report their scores"),
    "play": ("play", "watch an agent, in the terminal or as a video"),
    "plot": ("plot", "draw the learning curves of one or several runs"),
    "sweep": ("sweep", "train many runs with learning rates, or another number, drawn at random"),
    "speedup": ("speedup", "measure how much sooner more workers reach a score"),
    "bench": ("bench", "measure the speed of this machine, and how near training comes to it"),
    "check-gradients": ("check_gradients",
                        "compare every tensor of the real network's gradient with central differences"),
    "report": ("report", "write a run as one HTML page"),
    "trace": ("trace", "follow every number of one update through the real network"),
    "examples": ("examples", "copy the lessons and the trained agents into a folder"),
    "exercises": ("exercises", "list, write and grade exercises on backpropagation"),
    "break": ("bugs", "train with a classic silent bug, and see the test that catches it"),
    "race": ("race", "draw when each of several workers reads and writes the shared theta"),
    "portrait": ("portrait", "draw an agent: its filters, its activations, its saliency maps"),
    "completion": ("completion", "print a script with which a shell completes commands and options"),
}

NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


class Parser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage above it; accepts no abbreviated options.

    An empty text, which is what a shell makes of an unset variable, is refused as a value of any argument.  A ~ in
    front of one is the home folder: in --out=~/run a shell leaves it as it is.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**({"allow_abbrev": False} | settings))
        self.commands: dict[str, Parser] = {}

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, and expand ~; raise ValueError for an empty text."""
        typed, rest = super().parse_known_args(None if args is None else self._joined(list(args)), namespace)
        for action in self._actions:
            value = getattr(typed, action.dest, None)
            if "" in (value if isinstance(value, list) else [value]):
                self.error(str(argparse.ArgumentError(action, "must not be empty")))
            if value is not None:
                setattr(typed, action.dest, _expanded(value))
        return typed, rest

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse all arguments; raise ValueError with near matches for an option or a command that is none."""
        words = sys.argv[1:] if args is None else list(args)
        if self.commands and words[:1] and not words[0].startswith("-") and words[0] not in self.commands:
            self.error(f"no command is called {words[0]!r}{_near(words[0], self.commands)}")
        typed, rest = self.parse_known_args(words, namespace)
        if rest:
            command = self.commands.get(getattr(typed, "command", ""), self)
            wrong = next((word for word in rest if word.startswith("-")), "").split("=")[0]
            command.error(f"unrecognized arguments: {' '.join(rest)}{_near(wrong, command.options)}")
        return typed

    def _joined(self, words: list[str]) -> list[str]:
        """Return the words with "--option -1e3" as "--option=-1e3": argparse takes only -1000 for a number."""
        joined: list[str] = []
        for word in words:
            option = self.options.get(joined[-1]) if joined and joined[-1].startswith("--") else None
            if option is not None and option.nargs is None and NEGATIVE.fullmatch(word):
                joined[-1] += "=" + word
            else:
                joined.append(word)
        return joined

    @property
    def options(self) -> dict[str, argparse.Action]:
        """Return the options by their names."""
        return {name: action for action in self._actions for name in action.option_strings}

    def error(self, message: str) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(f"{message} (see {self.prog} --help)")


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(each) for each in value]
    return str(user_path(value)) if isinstance(value, str) and value.startswith("~") else value


def _near(wrong: str, names: Iterable[str]) -> str:
    """Return the end of a message: the names most similar to a wrong one, or nothing."""
    matches = difflib.get_close_matches(wrong, list(names), cutoff=0.7)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""


def parser_for(words: list[str]) -> Parser:
    """Return the parser for a command line of these ``words``; its result has the command's function as ``run``."""
    parser = Parser(prog="a3c-numba", description="A3C (Mnih et al. 2016) without a framework.")
    parser.add_argument("--version", action="version", version=f"a3c-numba {__version__}")
    menu = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (file, summary) in COMMANDS.items():
        command = menu.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name in words:
            module = import_module(f".{file}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
        parser.commands[name] = command
    return parser
