"""Simulate stale exchanges in one process: many nodes that descend a quadratic, with the exchange that Ray carries.

A node's update is theta <- theta - eta (lambda theta + noise), for each direction of curvature lambda.  Nodes work at
the same speed and exchange one after the other, each after every H of its updates, so that at its exchange the N - 1
others have exchanged since its last: the centre is N H updates ahead of what its first new gradient was computed at.

    error of the centre after a round of all nodes from one theta: e <- (1 - N (1 - (1 - eta lambda)^H)) e

It grows where N (1 - (1 - eta lambda)^H) > 2, for small eta lambda where N H eta lambda > 2 (``growth``).

    python -m a3c_numba.cluster.simulation           the table of docs/cluster.md
"""

from typing import NamedTuple

import numpy as np

from ..core.algorithms import A3C
from ..core.shared import Shared
from .exchanger import Exchanger
from .messages import State
from .parameter_server import ParameterServer
from .shards import SharedSlice

CURVATURES = np.geomspace(1e-3, 5e-2, 40)                                # eta lambda of one update
NOISE = 1e-3
TARGET = 0.02                  # of the initial error
LIMIT = 20_000                 # updates of all nodes
# N, H: those that were measured on CartPole (docs/cluster.md), then others
MEASURED = ((1, 30), (2, 15), (2, 89), (2, 440), (4, 2), (4, 13))
OTHERS = ((8, 4), (16, 2), (32, 1), (64, 1), (128, 1), (1000, 1))


def growth(nodes: int, every: int, curvature: float) -> float:
    """Return the factor of the centre's error in a round in which all nodes begin with the same theta."""
    return abs(1 - nodes * (1 - (1 - curvature) ** every))


class Outcome(NamedTuple):
    """``updates`` of all nodes until the centre's error is TARGET of the first, or None; ``error`` at the end."""

    updates: int | None
    error: float


class SimulatedNode:
    """A node with one parameter for each curvature."""

    def __init__(self, server: ParameterServer, curvatures: np.ndarray, rng: np.random.Generator) -> None:
        start = server.join()
        assert start is not None
        self.curvatures, self.rng = curvatures.astype(np.float32), rng
        shared = Shared(len(curvatures), 1)
        shared.load(start.theta, None, None)
        self.theta = shared.theta
        self.exchanger = Exchanger(SharedSlice(shared, slice(0, len(curvatures))), server, start, A3C())

    def update(self) -> None:
        """Make one update from a noisy gradient."""
        noise = self.rng.normal(0.0, NOISE, len(self.theta)).astype(np.float32)
        self.theta -= self.curvatures * self.theta + noise


def simulate(nodes: int, every: int, curvatures: np.ndarray = CURVATURES, seed: int = 0, staleness: int = 10**9,
             limit: int = LIMIT) -> Outcome:
    """Run ``nodes`` that exchange every ``every`` of their updates, until the target or ``limit`` updates."""
    rng = np.random.default_rng(seed)
    server = ParameterServer(staleness)
    first = np.ones(len(curvatures), np.float32)
    server.load(State(first))
    machines = [SimulatedNode(server, curvatures, rng) for _ in range(nodes)]
    error = 1.0
    for update in range(max(1, limit // nodes)):
        for number, machine in enumerate(machines):
            machine.update()
            if (update + 1 + number * every // nodes) % every == 0:      # their exchanges are spread over the interval
                machine.exchanger.exchange()
        centre = server.snapshot()
        assert centre is not None
        error = float(np.sqrt(np.mean(centre.theta ** 2)))
        if error <= TARGET or error > 1e3:
            return Outcome((update + 1) * nodes if error <= TARGET else None, error)
    return Outcome(None, error)


def main() -> None:
    """Print the table."""
    print("nodes     H   N H   growth at the largest curvature   updates to 2 % of the error")
    for nodes, every in MEASURED + OTHERS:
        found = simulate(nodes, every)
        said = f"{found.updates:,}" if found.updates else "diverges" if found.error > 1 else f"not in {LIMIT:,}"
        print(f"{nodes:5d} {every:5d} {nodes * every:5d}   {growth(nodes, every, CURVATURES[-1]):31.2f}   {said:>27}")


if __name__ == "__main__":
    main()
