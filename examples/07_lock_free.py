"""Lesson 7: several processes write to the same numbers, and nobody locks anything.

1. Lost: theta += 1 reads, adds and writes; what another process wrote in between is gone.  Missing ones can be counted.
2. Torn: each process writes its own number all over theta and copies it at once.  The copy may be 3, 3, 1, 1, a theta
   that never was.  No single number is torn: each is one that somebody wrote.
3. It converges: least squares by random rows u, d = u (u . theta - t).  A lost step is only a step less.  A torn theta
   is off by a step or so, and the gradient there still points downhill.

New:     theta lies in memory that all processes see (RawArray), and each takes its own steps.  No RL yet.
Notice:  without the lock additions are missing and copies torn, yet the error of 3 falls as low as with it.  Nobody
         waits for anybody, which saves time where cores are free.  How much is lost is up to the machine, too.
Try:     ETA = 0.9 (single steps count for more); WORKERS = 8.       ``python 07_lock_free.py 300``: fewer steps each.
"""

import multiprocessing
import sys
import time
from contextlib import nullcontext

import numpy as np

WORKERS, SIZE, ETA = 4, 1000, 0.3
TRUE = np.random.default_rng(7).normal(size=SIZE)                        # what least squares is to find


def work(memory, lock, gate, steps, number):
    """A process.  All pass the gate together, before and after each of the three."""
    theta, counts = np.split(np.frombuffer(memory), [SIZE])
    rng, (torn, unknown) = np.random.default_rng(number), np.split(counts, 2)        # each process counts for itself
    gate.wait()
    for _ in range(25 * steps):                                          # 1: in the end all are 25 * WORKERS * steps
        with lock:
            theta += 1
    gate.wait()
    gate.wait()
    for _ in range(5 * steps):                                           # 2
        with lock:
            theta[:] = number
            copy = theta.copy()
        if copy.min() != copy.max():
            torn[number] += 1
            unknown[number] += not np.isin(copy, range(WORKERS)).all()
    gate.wait()
    gate.wait()
    for _ in range(steps):                                               # 3: t is what TRUE says, and noise
        with lock:                                                       # held while d is worked out, or it helps not
            u = rng.normal(size=SIZE)
            theta -= ETA / SIZE * u * (u @ theta - (u @ TRUE + rng.normal()))
    gate.wait()


def together(context, lock, steps):
    """Theta and counts (SIZE + 2 WORKERS,) after two tasks, and (n, 2) seconds and theta's error during the last."""
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
    for process in crew:                                                 # who leaves the gate still writes to it
        process.join()
    return *results[:2], np.array(seen)


def main(steps=4000):
    """All of it without and with a lock."""
    from a3c_numba.plots import Series, line_plot                        # in here: the processes need none of it
    context, curves, additions = multiprocessing.get_context("spawn"), [], 25 * WORKERS * steps * SIZE
    for name, lock in (("lock-free", nullcontext()), ("locked", context.Lock())):
        ones, looked, seen = together(context, lock, steps)
        lost, (torn, unknown) = additions - int(ones[:SIZE].sum()), looked[SIZE:].reshape(2, WORKERS).sum(axis=1)
        print(f"{name:9}   additions lost {lost:,} of {additions:,} ({lost / additions:.2%})")
        print(f"{'':9}   copies torn {torn:.0f} of {5 * WORKERS * steps:,}, with a number nobody wrote {unknown:.0f}")
        print(f"{'':9}   least squares: error {seen[-1, 1]:.3f} after {seen[-1, 0]:.2f} s", flush=True)
        curves.append(Series(name, *seen.T))
    line_plot(curves, f"Lesson 7: {WORKERS} processes, one theta, {WORKERS * steps:,} steps, with and without a lock",
              "seconds", "error of theta, root of the mean square", "07_lock_free.png")


if __name__ == "__main__":                                               # the processes import this file
    main(*map(int, sys.argv[1:]))
