"""The files of ``examples/`` that are installed with the package: the lessons, and a trained agent for each game."""

import re
from pathlib import Path

from .runs.checkpoint import CheckpointError
from .runs.run_folder import default_checkpoint

PACKAGE = Path(__file__).parent
PLACES = (PACKAGE / "examples", PACKAGE.parent / "examples")             # of a wheel, of a checkout
FIRST = "01_dense.py"          # is there if the examples are
AGENT = "agent.npz"


def examples_folder() -> Path | None:
    """Return the folder that the examples are in, or None if they are not installed."""
    return next((place for place in PLACES if (place / FIRST).is_file()), None)


def games() -> list[str]:
    """Return the names of the games that an agent comes with: ["pong", ...]."""
    folder = examples_folder()
    return sorted(path.parent.name for path in folder.glob(f"*/{AGENT}")) if folder else []


def _letters(name: str) -> str:
    game = re.sub(r"(NoFrameskip|Deterministic)?-v\d+$", "", name.rpartition("/")[2])
    return re.sub(r"[^a-z0-9]", "", game.lower())


def agent_file(source: Path) -> Path:
    """Return the file of an agent: ``source``, the agent of that run's folder, or the one that comes with a game.

    A game is named "pong", "Pong" or "ALE/Pong-v5"; a file or folder of that name comes first.  Raises CheckpointError
    for a folder without an agent.
    """
    if source.exists() and not is_empty(source) or source.suffix == ".npz":
        return default_checkpoint(source)
    found = games()
    for game in found:
        if _letters(game) == _letters(str(source)):
            return Path(examples_folder() or PACKAGE, game, AGENT)
    if source.exists():
        return default_checkpoint(source)
    with_agent = f"; agents come with the package for: {', '.join(found)}" if found else ""
    raise CheckpointError(f"{source}: no such file or folder{with_agent}")


def is_empty(folder: Path) -> bool:
    """True for a folder in which there is nothing."""
    return folder.is_dir() and not any(folder.iterdir())
