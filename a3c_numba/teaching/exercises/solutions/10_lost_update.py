"""Exercise 10: the update that is lost.

Workers share theta without a lock.  theta <- theta + step is three things: read theta, add, write the sum back.  Here
theta is one number, and update k adds steps[k].  ``order`` is the sequence of events: it names each update twice, first
at its read, then at its write.

    order = [0, 0, 1, 1]     0 reads, 0 writes, 1 reads, 1 writes: both count
    order = [0, 1, 1, 0]     1 reads and writes while 0 still holds what it read: 0 overwrites it, 1 is lost

An update is lost if its step is not in theta at the end.  Take care: a number that was read before it was overwritten
can come back: [0, 1, 1, 2, 0, 2] loses 0 and not 1.

The real ones: update in a3c_numba/core/optimizers/rmsprop.py, where this is allowed to happen (Hogwild), and fetch_add
in a3c_numba/system/atomic_counter.py, one machine instruction, for T, the count of steps, which must lose nothing.
"""

import numpy as np


def lost_update(theta, steps, order):
    """Return the last theta and lost (n,) of bool for a first theta, steps (n,) and order (2 n,) of 0 .. n - 1.

    Hint: for each update that has read but not written keep the number that it read, and with each number the set
    of the updates that are in it.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    inside = set()                       # updates that are in theta
    read = {}                            # update -> the number that it read, and the updates that are in it
    for k in order:
        if k not in read:
            read[k] = theta, inside
        else:
            before, others = read[k]
            theta, inside = before + steps[k], others | {k}
    return theta, np.array([k not in inside for k in range(len(steps))])
    # </blank>


if __name__ == "__main__":
    # By hand: 0 reads 5; 1 reads 5 and writes 15; 0 writes 6: theta = 6, lost = [False, True]
    print(lost_update(5.0, np.array([1.0, 10.0]), np.array([0, 1, 1, 0])))
