"""Cases of the exercises on updates; RMSProp's kernel gives the answers, also for lost updates."""

from typing import Iterator

import numpy as np

from ...core.optimizers import rmsprop as real
from .case import Case

Rng = np.random.Generator

RMSPROP_HINTS = {
    "new_g": "alpha g + (1 - alpha) d^2, the square of each element",
    "new_theta": "theta - eta d / sqrt(g + epsilon), with the new g, and epsilon inside the root",
}
LOST_HINTS = {
    "theta": "a write stores what that update read plus its step, even if theta has changed in between",
    "lost": "follow the sets: a read copies theta's set, the write adds one number to that copy; an update is lost if "
            "it is not in theta's set at the end",
}
HALF_HALF = [0, 1, 1, 0]
IN_TURN = [0, 0, 1, 1, 2, 2]
COMES_BACK = [0, 1, 1, 2, 0, 2]
ALL_AT_ONCE = [0, 1, 2, 3, 2, 0, 3, 1]


def rmsprop(rng: Rng) -> Iterator[Case]:
    """Yield exercise 6: whole numbers, the paper's values, a gradient of 0, and no memory (alpha = 0)."""
    small = np.array([1.0, -2, 3]), np.array([8.0, 0, 2]), np.array([4.0, 2, 0])
    drawn = [(rng.normal(size=5), rng.exponential(size=5), rng.normal(size=5)) for _ in range(3)]
    still = rng.normal(size=4), np.zeros(4), np.zeros(4)
    numbers = [(0.1, 0.5, 4.0), (7e-4, 0.99, 0.1), (1.5e-3, 0.99, 1e-3), (0.1, 0.0, 1.0), (7e-4, 0.99, 0.1)]
    for (theta, g, d), (eta, alpha, epsilon) in zip([small, *drawn, still], numbers):
        new_theta, new_g = theta.copy(), g.copy()
        real.update(new_theta, new_g, d.copy(), np.zeros(len(d)), eta, alpha, 1 - alpha, epsilon)
        arguments = {"theta": theta, "g": g, "d": d, "eta": eta, "alpha": alpha, "epsilon": epsilon}
        yield Case("rmsprop", arguments, {"new_g": new_g, "new_theta": new_theta}, RMSPROP_HINTS)


def lost_update(rng: Rng) -> Iterator[Case]:
    """Yield exercise 10: by hand, in turn, one that returns, all at once, and random orders of 2 and 4 workers."""
    by_chance = [_interleaved(rng, updates, workers) for updates, workers in [(6, 2), (8, 2), (9, 4)]]
    for order in (HALF_HALF, IN_TURN, COMES_BACK, ALL_AT_ONCE, *by_chance):
        n = len(order) // 2
        start, steps = float(rng.integers(1, 9)), rng.integers(1, 9, size=n).astype(float)
        last = int(_replayed(0.0, 2.0 ** np.arange(n), order))           # bit k is set if update k, of 2^k, is in it
        lost = np.array([not last >> k & 1 for k in range(n)])
        expected = {"theta": np.array(_replayed(start, steps, order)), "lost": lost}
        yield Case("lost_update", {"theta": start, "steps": steps, "order": np.array(order)}, expected, LOST_HINTS)


def _interleaved(rng: Rng, updates: int, workers: int) -> list[int]:
    """Return an order in which each worker has one update at a time; updates are numbered by their reads."""
    under_way: dict[int, int] = {}
    order, begun = [], 0
    while begun < updates or under_way:
        worker = int(rng.integers(workers))
        if worker in under_way:
            order.append(under_way.pop(worker))
        elif begun < updates:
            under_way[worker] = begun
            order.append(begun)
            begun += 1
    return order


def _replayed(start: float, steps: np.ndarray, order: list[int]) -> float:
    """Return the last theta; RMSProp's kernel updates what was read: theta - (-1) step / sqrt(0 + 1)."""
    theta, read = np.array([start]), {}
    for k in order:
        if k not in read:
            read[k] = theta.copy()
        else:
            real.update(read[k], np.zeros(1), steps[k:k + 1].copy(), np.zeros(1), -1.0, 0.0, 0.0, 1.0)
            theta[:] = read[k]
    return float(theta[0])
