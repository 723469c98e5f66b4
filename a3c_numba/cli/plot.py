"""``a3c-numba plot``: draw the learning curves of runs into one picture."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..plots import learning_curve, mean_curves
from ..plots.seeds import groups_of
from ..runs.run_folder import RunFolderError
from .shared_options import writable


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("-o", "--out", default="curves.png", metavar="FILE",
                        help="picture: .png, .jpg or .svg (default curves.png)")
    parser.add_argument("-x", choices=("steps", "minutes"), default="steps", help="horizontal axis (default steps)")
    parser.add_argument("--mean", action="store_true",
                        help="one curve for all seeds of a game, in folders game/seed or GAME-sSEED: the mean (of 5 "
                             "seeds or more the interquartile mean) and its 95%% bootstrap interval")
    parser.add_argument("--title", default="Learning curve", metavar="TEXT", help="title (default Learning curve)")


def run(arguments: Namespace) -> int:
    """Draw the picture and print its name."""
    for folder in arguments.runs:
        if not (Path(folder) / "episodes.csv").exists():
            raise RunFolderError(f"{folder}: no run (it has no episodes.csv)")
    out = writable(Path(arguments.out))
    folders = [Path(folder) for folder in arguments.runs]
    if arguments.mean:
        _check_groups(folders)
    (mean_curves if arguments.mean else learning_curve)(folders, out, arguments.x, arguments.title)
    print(arguments.out)
    return 0


def _check_groups(folders: list[Path]) -> None:
    """Raise ValueError if runs with different settings would be averaged; runs without a config.json are accepted."""
    for name, group in groups_of(folders).items():
        configs = list(filter(None, map(_settings, group)))
        shared = set.intersection(*map(set, configs)) if configs else set()              # older files lack some
        differ = sorted(key for key in shared - {"seed", "total_steps"}
                        if any(config[key] != configs[0][key] for config in configs))
        if differ:
            raise ValueError(f"--mean would average runs in {name} that differ in {', '.join(differ)}: "
                             "put each kind into a folder of its own")


def _settings(folder: Path) -> dict[str, object]:
    """Return a run's configuration, or {} if its config.json cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
