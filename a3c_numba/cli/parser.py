"""What may be typed after ``a3c-numba``: the commands, each with its options and the function that runs it."""

import argparse
import dataclasses
from importlib import import_module
from typing import Any, NoReturn

from .. import __version__
from ..core.algorithms import ALGORITHMS
from ..core.optimizers import OPTIMIZERS
from ..evaluation import PROTOCOLS
from ..presets import PRESETS
from ..training.limits import Watch
from . import commands
from . import hyperparameter_options as options

# Command -> the module here that has its ``add_arguments`` and ``run``, and what it does.
LESSONS = {
    "report": ("report", "write all of a run into one HTML page"),
    "trace": ("trace", "follow every number of one update through the real network"),
    "exercises": ("exercises", "fill in the blanks of backpropagation, and be graded"),
    "break": ("bugs", "watch a classic silent bug, name it, see the test that catches it"),
    "race": ("race", "draw who reads and who writes when several workers share theta"),
    "portrait": ("portrait", "draw an agent: its filters, its activations, what it looks at"),
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it; takes no option for another that is longer.

    An empty text, which is what a shell makes of a variable that is not set, is refused for whatever it is typed.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**({"allow_abbrev": False} | settings))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The class's; raises ValueError for an empty text."""
        typed, rest = super().parse_known_args(args, namespace)
        for action in self._actions:
            value = getattr(typed, action.dest, None)
            if "" in (value if isinstance(value, list) else [value]):
                self.error(str(argparse.ArgumentError(action, "must not be empty")))
        return typed, rest

    def error(self, message: str) -> NoReturn:
        """Raises ValueError."""
        raise ValueError(f"{message} (see {self.prog} --help)")


def parser_for(words: list[str]) -> argparse.ArgumentParser:
    """The parser of a command line of these ``words``; what it parses has the command's function as ``run``."""
    parser = Parser(prog="a3c-numba", description="A3C (Mnih et al. 2016) without a framework.")
    parser.add_argument("--version", action="version", version=f"a3c-numba {__version__}")
    menu = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_train, _add_evaluate, _add_play, _add_plot, _add_sweep, _add_speedup, _add_bench,
                _add_check_gradients):
        add(menu)
    for name, (module, about) in LESSONS.items():
        lesson = _command(menu, None, name, about)
        if name in words:                                                # the others need not be imported
            part = import_module(f".{module}", __package__)
            part.add_arguments(lesson)
            lesson.set_defaults(run=part.run)
    return parser


def _command(menu: Any, run: Any, name: str, about: str) -> argparse.ArgumentParser:
    parser = menu.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _preset_workers() -> str:
    """"paper 16, atari 4, ..."."""
    return ", ".join(f"{name} {preset.workers}" for name, preset in PRESETS.items())


def _add_train(menu: Any) -> None:
    parser = _command(menu, commands.train, "train", "train an agent")
    _add_choices(parser)
    parser.add_argument("--workers", type=options.whole_number, metavar="N",
                        help=f"processes (default: the preset's, here {_preset_workers()}; atari has one for each core "
                             "that this process may use, at least 4)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S",
                        help="of parameters and of chance (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the run's folder (default runs/ENV-sSEED)")
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in this folder")
    parser.add_argument("--overwrite", action="store_true", help="replace the run that the folder holds")
    _add_watch(parser)
    options.add_hyper_parameters(parser)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    """An option for each field of Watch; also a resumed run may be given them."""
    group = parser.add_argument_group("watching over the run")
    for field in dataclasses.fields(Watch):
        read = options.whole_number if isinstance(field.default, int) else float
        group.add_argument("--" + field.name.replace("_", "-"), type=read, metavar=type(field.default).__name__.upper(),
                           help=f"{field.metadata['help']} (default {field.default:g})")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("env", nargs="?", default=None, metavar="ENV", help="gymnasium id (default ALE/Pong-v5)")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="hyper-parameters (default: by observations)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="the paper's method (default a3c)")
    parser.add_argument("--optimizer", choices=tuple(OPTIMIZERS), help="how gradients are applied (default rmsprop)")
    parser.add_argument("--total-steps", type=options.whole_number, metavar="N",
                        help="agent steps of all workers together, T_max (default 5e6)")


def _add_evaluate(menu: Any) -> None:
    parser = _command(menu, commands.evaluate, "evaluate", "play whole games and report their scores")
    _add_source(parser)
    parser.add_argument("--episodes", type=options.whole_number, default=30, metavar="N", help="games (default 30)")
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="noop",
                        help="noop: up to 30 no-ops at the start; sticky: sticky actions, p 0.25 (default noop)")
    parser.add_argument("--workers", type=options.whole_number, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--json", metavar="FILE", help="where every game goes (default: a run's folder)")


def _add_play(menu: Any) -> None:
    parser = _command(menu, commands.play, "play", "watch an agent, in the terminal or as a video")
    _add_source(parser)
    parser.add_argument("--video", metavar="FILE", help="an .mp4, .avi or .gif to write, instead of the terminal")
    parser.add_argument("--episodes", type=options.whole_number, default=1, metavar="N", help="games (default 1)")
    parser.add_argument("--max-steps", type=options.whole_number, metavar="N",
                        help="stop each game after that many steps")


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="RUN|FILE", help="a run's folder, or an .npz file")
    parser.add_argument("--env", metavar="ENV", help="environment to play (default: the one it was trained in)")
    parser.add_argument("--seed", type=options.whole_number, default=0, metavar="S", help="of the games (default 0)")
    parser.add_argument("--deterministic", action="store_true", help="the most probable action instead of a drawn one")
    parser.add_argument("--epsilon", type=float, metavar="E",
                        help="of a value method's play (default: its evaluation-epsilon)")


def _add_plot(menu: Any) -> None:
    parser = _command(menu, commands.plot, "plot", "draw the learning curves of one or several runs")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("-o", "--out", default="curves.png", metavar="FILE", help="picture (default curves.png)")
    parser.add_argument("-x", choices=("steps", "minutes"), default="steps", help="horizontal axis (default steps)")


def _add_sweep(menu: Any) -> None:
    parser = _command(menu, commands.sweep, "sweep", "train many runs with learning rates drawn at random")
    _add_choices(parser)
    parser.add_argument("--workers", type=options.whole_number, metavar="N",
                        help="processes of each run (default: the preset's)")
    parser.add_argument("--runs", type=options.whole_number, default=50, metavar="N",
                        help="runs, those that the folder holds counted (default 50)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S",
                        help="of the draws and of each run's own seed (default 0)")
    parser.add_argument("--out", metavar="DIR", help="the sweep's folder, new or gone on with (default "
                        "runs/ENV-sweep-sSEED)")
    options.add_hyper_parameters(parser)
    draws = parser.add_argument_group("drawn for each run", conflict_handler="resolve")     # replaces the derived one
    draws.add_argument("--learning-rate", dest="learning_rates", default="loguniform:1e-4:1e-2", metavar="DRAW",
                       help="loguniform:LOW:HIGH, uniform:LOW:HIGH, or a number (default loguniform:1e-4:1e-2, the "
                            "paper's)")


def _whole_numbers(text: str) -> list[int]:
    return [options.whole_number(number) for number in text.split(",")]


def _add_speedup(menu: Any) -> None:
    parser = _command(menu, commands.speedup, "speedup", "measure how much sooner more workers reach a score")
    _add_choices(parser)
    parser.add_argument("--workers", type=_whole_numbers, default=[1, 2, 4, 8, 16], metavar="N,N,...",
                        help="numbers of processes, compared with the first (default 1,2,4,8,16)")
    parser.add_argument("--target-score", type=float, required=True, metavar="S",
                        help="mean of the last 100 training games, or as many as there are, that ends a run")
    parser.add_argument("--seeds", type=options.whole_number, default=1, metavar="N",
                        help="runs for each number of workers (default 1)")
    parser.add_argument("--seed", type=options.whole_number, metavar="S", help="the first run's, then S + 1, ... "
                        "(default 0)")
    parser.add_argument("--out", metavar="DIR", help="the study's folder, new or gone on with (default "
                        "runs/ENV-speedup)")
    options.add_hyper_parameters(parser)


def _add_bench(menu: Any) -> None:
    parser = _command(menu, commands.bench, "bench", "measure what this machine can do, and how near we come")
    parser.add_argument("env", nargs="?", default="ALE/Pong-v5", metavar="ENV", help="Atari game (default ALE/Pong-v5)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="for each training run (default 10)")
    parser.add_argument("--t-max", type=options.whole_number, default=5, metavar="N", help="rollout length (default 5)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), default="a3c",
                        help="the paper's method (default a3c)")
    parser.add_argument("--recurrent", action="store_true", help="the network with an LSTM")


def _add_check_gradients(menu: Any) -> None:
    parser = _command(menu, commands.check_gradients, "check-gradients",
                      "hold every tensor of the real network's gradient against central differences")
    parser.add_argument("env", nargs="?", default="ALE/Pong-v5", metavar="ENV", help="default ALE/Pong-v5")
    parser.add_argument("--coordinates", type=options.whole_number, default=20, metavar="N",
                        help="coordinates tried in each tensor (default 20)")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="whose network (default: by observations)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="whose loss (default a3c)")
    parser.add_argument("--recurrent", action="store_true", help="the network with an LSTM")
    parser.add_argument("--seed", type=options.whole_number, default=0, metavar="S", help="of parameters and rollout")
