"""The words that name an environment on the command line: ENV, and its keyword arguments.

A module that ENV names is searched for as Python does.  If it is not found, and the current folder has it, the current
folder becomes the last place of ``sys.path``, so that it hides no other module.
"""

import argparse
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..system.text import short_repr

ENV_HELP = ("a gymnasium id, module:Env-v0, or module:Factory; the module is installed, on PYTHONPATH, or else in the "
            "current folder")


def env_name(text: str) -> str:
    """Return ``text``; make its module importable if only the current folder has it."""
    module, colon, _ = text.rpartition(":")
    top = module.split(".")[0]
    if colon and top.isidentifier() and not _is_importable(top) and _is_here(top):
        sys.path.append(os.getcwd())
    return text


def _is_importable(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return module in sys.modules


def _is_here(module: str) -> bool:
    return Path(f"{module}.py").is_file() or Path(module).is_dir()


def env_kwargs(text: str) -> dict[str, object]:
    """Read a JSON object; raise ArgumentTypeError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"must be a JSON object, such as '{{\"continuous\": true}}'; got "
                                         f"{short_repr(text)} ({error})") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"must be a JSON object; got {short_repr(text)}")
    return value


class OneEnvironment(argparse.Action):
    """Stores ENV, whether it was typed alone or after ``--env``; both are an error."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        """Store the name; a positional argument that was not typed comes as its default."""
        before = getattr(namespace, self.dest, None)
        if option_string is None and values == self.default:
            return
        if before != self.default:
            parser.error(f"two environments are named: {before} and {values}")
        setattr(namespace, self.dest, values)


def add_env(parser: argparse.ArgumentParser, default: str | None = None, text: str = "") -> None:
    """Add the environment to train, ENV or ``--env ENV``; ``text`` is its help in place of ENV_HELP."""
    parser.add_argument("env", nargs="?", default=default, type=env_name, metavar="ENV", action=OneEnvironment,
                        help=text or f"{ENV_HELP} (default {default})")
    parser.add_argument("--env", dest="env", default=default, type=env_name, metavar="ENV", action=OneEnvironment,
                        help="another way to name ENV")


def add_env_kwargs(parser: argparse.ArgumentParser, default: str = "none") -> None:
    """Add ``--env-kwargs``."""
    parser.add_argument("--env-kwargs", type=env_kwargs, metavar="JSON",
                        help="keyword arguments of the environment, as a JSON object: '{\"continuous\": true}' "
                             f"(default {default})")


def add_env_option(parser: argparse.ArgumentParser, condition: str = "") -> None:
    """Add ``--env`` and ``--env-kwargs``, which replace the environment of a checkpoint."""
    parser.add_argument("--env", type=env_name, metavar="ENV",
                        help=f"{condition}environment to play: {ENV_HELP} (default: the one it was trained in)")
    add_env_kwargs(parser, "those it was trained with, unless --env is another environment")
