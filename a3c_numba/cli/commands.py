"""What the command line's commands do, each a function of the parsed arguments that returns the exit code."""

import dataclasses
import os
import shlex
from argparse import Namespace
from pathlib import Path

from .. import playback
from ..config import Config, name_of
from ..diagnostics import gradient_check
from ..evaluation import Evaluation, as_json, summary
from ..evaluation import evaluate as play_games
from ..plots import learning_curve
from ..presets import configure
from ..runs.checkpoint import Checkpoint, load_fitting
from ..runs.run_folder import RunFolder, RunFolderError, agent_file
from ..studies import bench as benchmark
from ..studies.speedup import Speedup
from ..studies.sweep import LearningRates, Sweep
from ..system import worker_server
from ..system.directory_lock import alone_in
from ..system.terminal import tell
from ..training.limits import Watch
from ..training.progress_bar import Display
from ..training.trainer import Trainer, start_of
from . import hyperparameter_options as options
from .train import configured, folder_of, resumed, started


def train(arguments: Namespace) -> int:
    """Start a run, or go on with one."""
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Watch)}
    watch = Watch(**{name: value for name, value in given.items() if value is not None})
    worker_server.context()                                              # fails before anything is written
    with (resumed if arguments.resume else started)(arguments) as (start, folder, scores):
        return _train(arguments, watch, start, folder, scores)


def _train(arguments: Namespace, watch: Watch, start: Checkpoint, folder: RunFolder, scores: list[float]) -> int:
    tell(f"{start.config.env_name}: {start.config.workers} worker{'s' * (start.config.workers > 1)}, "
         f"{start.config.total_steps:,} steps, into {folder.path}\n")
    try:
        trainer = Trainer(start, folder.path, Display(start.config.total_steps), watch=watch)
    except OSError:                                                      # no memory for it
        if not arguments.resume:
            folder.forget()
        raise
    trainer.standing.go_on_from(scores)
    try:
        trainer.run()
    finally:
        step = trainer.saver.step if trainer.saver else None
        if step is not None and step < start.config.total_steps:
            tell(f"step {step:,}; to go on: a3c-numba train {_resumption(start.config.env_name, folder.path)}\n")
    return 0


def _resumption(env: str, folder: Path) -> str:
    """What to type behind "train"; an id that names a module has to be typed again, or nothing would be imported."""
    named = f"{shlex.quote(env)} " if ":" in env else ""
    return f"{named}--resume {shlex.quote(str(folder))}"


def _trained(arguments: Namespace) -> tuple[Path, Checkpoint]:
    """The agent in a file or a run's folder."""
    path = agent_file(Path(arguments.source))
    checkpoint = load_fitting(path, arguments.env)
    if arguments.epsilon is not None:
        checkpoint.config = _with_epsilon(checkpoint.config, arguments)
    return path, checkpoint


def _with_epsilon(config: Config, arguments: Namespace) -> Config:
    """A value method's configuration, to be played with the epsilon that was typed."""
    if not hasattr(config.algorithm, "evaluation_epsilon"):
        raise ValueError(f"--epsilon is for value methods, and {arguments.source} was trained with "
                         f"{name_of(config.algorithm)}")
    if arguments.deterministic:
        raise ValueError("--epsilon and --deterministic exclude each other: deterministic play has epsilon 0")
    algorithm = dataclasses.replace(config.algorithm, evaluation_epsilon=arguments.epsilon)
    return dataclasses.replace(config, algorithm=algorithm)


def _writable(path: Path) -> Path:
    """``path``; raises ValueError where no file can be written there."""
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"cannot write to {path}")
    return path


def evaluate(arguments: Namespace) -> int:
    """Play games, print the figures, write a JSON of every game."""
    how = Evaluation(arguments.episodes, arguments.protocol, arguments.deterministic, arguments.seed)
    path, checkpoint = _trained(arguments)
    file = arguments.json or (path.with_name("evaluation.json") if Path(arguments.source).is_dir() else None)
    out = _writable(Path(file)) if file else None
    result = summary(play_games(checkpoint.config, checkpoint.theta, how, arguments.workers), how)
    epsilon = getattr(checkpoint.config.algorithm, "evaluation_epsilon", None)
    epsilon = 0.0 if how.deterministic and epsilon is not None else epsilon
    about = {"agent": str(path), "env": checkpoint.config.env_name, "algorithm": name_of(checkpoint.config.algorithm),
             "epsilon": epsilon}
    if out:
        out.write_text(as_json(about | result) + "\n")
    error = "--" if result["standard_error"] is None else f"{result['standard_error']:.2f}"
    played = "" if epsilon is None else f", epsilon {epsilon:g}"
    print(f"{checkpoint.config.env_name}, {how.episodes} games, {how.protocol}{played}: mean {result['mean']:.2f}, "
          f"standard error {error}, median {result['median']:g}, min {result['min']:g}, max {result['max']:g}"
          + f"\nevery game in {out}" * bool(out))
    return 0


def play(arguments: Namespace) -> int:
    """Show games."""
    how = Evaluation(arguments.episodes, "noop", arguments.deterministic, arguments.seed)
    if arguments.max_steps is not None and arguments.max_steps < 1:
        raise ValueError(f"max-steps must be at least 1; got {arguments.max_steps}")
    _, checkpoint = _trained(arguments)
    if arguments.video:
        playback.film(checkpoint, how, Path(arguments.video), arguments.max_steps)
    else:
        playback.in_terminal(checkpoint, how, arguments.max_steps)
    return 0


def plot(arguments: Namespace) -> int:
    """Draw learning curves."""
    for run in arguments.runs:
        if not (Path(run) / "episodes.csv").exists():
            raise RunFolderError(f"{run}: no run (it has no episodes.csv)")
    learning_curve([Path(run) for run in arguments.runs], _writable(Path(arguments.out)), arguments.x)
    print(arguments.out)
    return 0


def sweep(arguments: Namespace) -> int:
    """Train runs with learning rates drawn at random, or those that are missing."""
    config = configured(arguments, arguments.workers)
    rates, folder = LearningRates.read(arguments.learning_rates), folder_of(arguments, config, f"sweep-s{config.seed}")
    study = Sweep(config, rates, arguments.runs, folder)
    start_of(config)                                                     # fails before anything is written
    with alone_in(folder):
        study.open()
        tell(f"{config.env_name}: {arguments.runs} runs, {config.workers} workers, {config.total_steps:,} steps each, "
             f"into {folder}\n")
        study.run()
    return 0


def speedup(arguments: Namespace) -> int:
    """Time runs of several numbers of workers to a score, or those that are missing."""
    config = configured(arguments, arguments.workers[0])
    study = Speedup(config, arguments.workers, arguments.target_score, arguments.seeds,
                    folder_of(arguments, config, "speedup"))
    start_of(config)                                                     # fails before anything is written
    with alone_in(study.folder):
        study.open()
        tell(f"{config.env_name}: {', '.join(map(str, arguments.workers))} workers to a mean score of "
             f"{arguments.target_score:g}, into {study.folder}\n" + "".join(f"{note}\n" for note in study.notes()))
        print(study.run())
    return 0


def bench(arguments: Namespace) -> int:
    """Measure this machine."""
    benchmark.run(arguments.env, arguments.seconds, arguments.t_max, arguments.algorithm, arguments.recurrent)
    return 0


def check_gradients(arguments: Namespace) -> int:
    """Print a table of every tensor; 1 where one disagrees."""
    config = configure(arguments.env, arguments.preset, algorithm=arguments.algorithm, seed=arguments.seed)
    config = options.apply(config, {"recurrent": arguments.recurrent})
    rows = gradient_check.check(config, arguments.coordinates)
    print(gradient_check.table(rows))
    return 0 if all(row.agrees for row in rows) else 1
