"""``a3c-numba race``: record workers that share theta, print the figures, draw the picture."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..core.algorithms import ALGORITHMS
from ..plots.race import Compared, race_picture
from ..presets import configure
from ..teaching.race.figures import figures, moment_of, table, write_tables
from ..teaching.race.recorder import RaceRecorder
from .env_options import add_env, add_env_kwargs
from .hyperparameter_options import whole_number, whole_numbers
from .shared_options import writable_picture

MOST_SECONDS, MOST_WORKERS = 60.0, 64


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    add_env(parser, "Catch")
    add_env_kwargs(parser)
    parser.add_argument("--workers", type=whole_number, default=4, metavar="N",
                        help="worker processes in the picture (default 4)")
    parser.add_argument("--compare", type=whole_numbers, default=[1, 2, 4, 8], metavar="N,N,...",
                        help="further numbers of workers in the table (default 1,2,4,8)")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S",
                        help="duration of each recording (default 1)")
    parser.add_argument("--algorithm", choices=tuple(ALGORITHMS), help="the paper's method (default a3c)")
    parser.add_argument("--seed", type=whole_number, default=0, metavar="S", help="random seed (default 0)")
    parser.add_argument("-o", "--out", default="race.png", metavar="FILE", help="picture (default race.png)")


def run(arguments: Namespace) -> int:
    """Record each number of workers, print the table, draw the picture."""
    counts = sorted({arguments.workers, *arguments.compare})
    if not 1 <= counts[0] <= counts[-1] <= MOST_WORKERS:
        raise ValueError(f"workers must be from 1 to {MOST_WORKERS}; got {counts}")
    if not 0 < arguments.seconds <= MOST_SECONDS:
        raise ValueError(f"seconds must be above 0 and at most {MOST_SECONDS:g}; got {arguments.seconds:g}")
    out = writable_picture(Path(arguments.out))
    config = configure(arguments.env, algorithm=arguments.algorithm, workers=counts[-1], seed=arguments.seed,
                       env_kwargs=arguments.env_kwargs)
    with RaceRecorder(config) as crowd:
        recordings = [crowd.record(workers, arguments.seconds) for workers in counts]
    rows = [figures(recording) for recording in recordings]
    drawn = recordings[counts.index(arguments.workers)]
    workers = f"{arguments.workers} workers" if arguments.workers > 1 else "1 worker"
    title = f"{workers} on one theta of {len(drawn.lost):,} numbers, {config.env_name}"
    lost = {recording.workers: recording.lost for recording in recordings}
    race_picture(moment_of(drawn, title), Compared([row._asdict() for row in rows], lost), out)
    print(table(rows), *[out, *write_tables(recordings, out)], sep="\n")
    return 0
