"""Exercise 10: the update that is lost.

Workers share theta and lock nothing.  theta <- theta + step is three things: read theta, add, write the sum back.  Here
theta is one number, and update k adds steps[k].  ``order`` says what happened: it names each update twice, first when
it reads, then when it writes.

    order = [0, 0, 1, 1]     0 reads, 0 writes, 1 reads, 1 writes: both count
    order = [0, 1, 1, 0]     1 reads and writes while 0 still holds what it read: 0 writes over it, 1 is lost

An update is lost if its step is no longer in theta when all is over.  Take care: a number that was read before it was
overwritten can come back, [0, 1, 1, 2, 0, 2] loses 0 and not 1.

The real ones: update in a3c_numba/core/optimizers/rmsprop.py, where this is allowed to happen (Hogwild), and fetch_add
in a3c_numba/system/atomic_counter.py, one machine instruction for what may not be lost: the count of steps, T.
"""

import numpy as np


def lost_update(theta, steps, order):
    """theta a number, steps (n,), order (2 n,) of update numbers 0 .. n - 1 -> the last theta, lost (n,) of bool.

    Hint: keep for each update that is under way the number that it read, and along with each number the set of the
    updates that are in it.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    inside = set()                       # whose steps are in theta
    read = {}                            # update under way: the number that it read, and whose steps are in that
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
