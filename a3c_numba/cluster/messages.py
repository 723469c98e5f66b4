"""What a node, the parameter server and the driver tell each other.  All vectors are float32."""

from typing import NamedTuple

import numpy as np

from ..training.worker_status import EpisodeRow


class State(NamedTuple):
    """What a run consists of at one moment, besides its configuration.

    Attributes:
        theta: (n,).
        statistics: the optimiser's g of one node; None where none was handed in: they begin with 0.
        target: theta- of one node; None where the method has none, or it is as theta.
        global_step: T.
        version: number of deltas that theta has taken up.
        joined: number of nodes that ever joined the run; a node that is restarted joins anew.
        serials: each sender's last delta that was taken up or discarded; of one parameter server.
    """

    theta: np.ndarray
    statistics: np.ndarray | None = None
    target: np.ndarray | None = None
    global_step: int = 0
    version: int = 0
    joined: int = 0
    serials: dict[str, int] | None = None


class Delta(NamedTuple):
    """What one node has learned since its last exchange.

    Attributes:
        theta: (n,) s - base.
        version: of the centre that base is a copy of.
        steps: agent steps made since.
        sender, serial: the node, and its number of this delta: one that is sent again counts once.
        statistics, target: the node's, now and then: what a node that joins is handed, and a checkpoint holds.
    """

    theta: np.ndarray
    version: int
    steps: int
    sender: str
    serial: int
    statistics: np.ndarray | None = None
    target: np.ndarray | None = None


class Reply(NamedTuple):
    """The centre after an exchange."""

    theta: np.ndarray
    version: int
    global_step: int


class Counts(NamedTuple):
    """What the driver asks a parameter server for.

    ``ready`` is False in one that was just started, and holds no theta.
    """

    ready: bool
    accepted: int
    refused: int
    joined: int
    global_step: int


class Report(NamedTuple):
    """What a node tells the driver, about twice a second; counts are of this node since it joined.

    Attributes:
        joined: its number in the order of joining; -1 before.
        seconds: of training.
        counts: (workers, 4) steps, updates, skipped updates and finished episodes of each worker; episodes that
            were lost because they were not read in time are counted, too.
        moments: (k, 7) Moments of the k workers that have made an update.
        gauges: (workers, 3) entropy, value and gradient norm of each worker's latest update; NaN before the first.
        episodes: rows of episodes.csv since the last report; their workers are numbered from 0.
        streams: random streams used so far, of a node that uses the run's seed.
        finished: its trainer has ended and its last delta is sent.
        failure: why its trainer ended early, or "".
        unreached: for how many seconds it has reached no parameter server; 0.0 if its last call did.
    """

    joined: int = -1
    seconds: float = 0.0
    global_step: int = 0
    counts: np.ndarray | None = None
    gauges: np.ndarray | None = None
    moments: np.ndarray | None = None
    episodes: tuple[EpisodeRow, ...] = ()
    warnings: tuple[str, ...] = ()
    alive: int = 0
    restarts: int = 0
    streams: int = 0
    finished: bool = False
    failure: str = ""
    unreached: float = 0.0
