"""Lesson 7: several processes write to the same numbers without a lock.

1. Lost: theta += 1 reads, adds and writes; an addition that another process made in between is lost: theta falls
   short.  In its second half every other process adds -1; that half should end at 0, and ends above or below.
2. Torn: each process writes its own number into all of theta, then copies it.  The copy may be 3, 3, 1, 1, a theta
   that no process wrote.  No single number is torn: each was written by some process.
3. It converges: least squares by random rows u, d = u (u . theta - t).  A lost step is only one step less.  A torn
   theta differs by about a step, and the gradient there still points downhill.

New:     theta lies in memory that all processes share (RawArray), and each makes its own steps.  No RL yet.
Notice:  without the lock additions are lost and copies torn, yet the error of 3 falls as low as with it, and no process
         waits for another.  How much is lost depends on the machine.
Try:     ETA = 0.9 (each step matters more); WORKERS = 8.       ``python 07_lock_free.py 300``: fewer steps each.
"""

import multiprocessing
import sys
import time
from contextlib import nullcontext

import numpy as np

WORKERS, SIZE, ETA = 4, 1000, 0.3
TRUE = np.random.default_rng(7).normal(size=SIZE)                        # the solution of the least squares


def work(memory, lock, gate, steps, number):
    """Run one process.  All processes pass the gate together, before and after each of the three tasks."""
    theta, counts = np.split(np.frombuffer(memory), [SIZE])
    rng, (torn, unknown) = np.random.default_rng(number), np.split(counts, 2)        # one count per process
    ones = np.repeat([1.0, (-1.0) ** number], SIZE // 2)
    gate.wait()
    for _ in range(25 * steps):                                          # 1: it should end at 25 WORKERS steps, and 0
        with lock:
            theta += ones
    gate.wait()
    gate.wait()
    for _ in range(5 * steps):                                           # 2
        with lock:
            theta[:] = number
            copy = theta + 0      # theta.copy() moves bytes, and may tear a number
        if copy.min() != copy.max():
            torn[number] += 1
            unknown[number] += not np.isin(copy, range(WORKERS)).all()
    gate.wait()
    gate.wait()
    for _ in range(steps):                                               # 3: t is u . TRUE plus noise
        with lock:                                                       # held while d is computed, or it has no use
            u = rng.normal(size=SIZE)
            theta -= ETA / SIZE * u * (u @ theta - (u @ TRUE + rng.normal()))
    gate.wait()


def together(context, lock, steps):
    """Return theta and counts (SIZE + 2 WORKERS,) of two tasks; of the last, (n, 2) seconds and error of theta."""
    memory, gate, results = context.RawArray("d", SIZE + 2 * WORKERS), context.Barrier(WORKERS + 1), []
    crew = [context.Process(target=work, args=(memory, lock, gate, steps, n), daemon=True) for n in range(WORKERS)]
    for process in crew:
        process.start()
    shared = np.frombuffer(memory)
    for _ in range(3):
        shared[:], seen, waiting = 0, [], 0
        gate.wait()
        began = time.perf_counter()
        while waiting < WORKERS:
            waiting = gate.n_waiting
            seen.append((time.perf_counter() - began, np.sqrt(((shared[:SIZE] - TRUE) ** 2).mean())))
            time.sleep(0.005)
        gate.wait()
        results.append(shared.copy())
    for process in crew:                                                 # a process that leaves the gate writes to it
        process.join()
    return *results[:2], np.array(seen)


def main(steps=4000):
    """Run the three tasks without and with a lock."""
    from a3c_numba.plots import Series, line_plot                        # here, as the processes do not need it
    context, curves, additions = multiprocessing.get_context("spawn"), [], 25 * WORKERS * steps * SIZE // 2
    for name, lock in (("lock-free", nullcontext()), ("locked", context.Lock())):
        added, looked, seen = together(context, lock, steps)
        (ones, both), (torn, unknown) = added[:SIZE].reshape(2, -1), looked[SIZE:].reshape(2, WORKERS).sum(axis=1)
        lost = additions - int(ones.sum())
        print(f"{name:9}   additions lost {lost:,} of {additions:,} ({lost / additions:.2%})")
        print(f"{'':9}   as many of +1 as of -1: from {both.min():+.0f} to {both.max():+.0f}")
        print(f"{'':9}   copies torn {torn:.0f} of {5 * WORKERS * steps:,}, with an unwritten number {unknown:.0f}")
        print(f"{'':9}   least squares: error {seen[-1, 1]:.3f} after {seen[-1, 0]:.2f} s", flush=True)
        curves.append(Series(name, *seen.T))
    line_plot(curves, f"Lesson 7: {WORKERS} processes, one theta, {WORKERS * steps:,} steps, with and without a lock",
              "seconds", "error of theta, root of the mean square", "07_lock_free.png")


if __name__ == "__main__":                                               # the processes import this file
    main(*map(int, sys.argv[1:]))
