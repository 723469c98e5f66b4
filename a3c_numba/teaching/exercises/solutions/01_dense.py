"""Exercise 1: a dense layer, backwards; then with a ReLU in front of it.

    y = x W + b            x (n, I) rows, W (I, O), b (O,), y (n, O)

L is some number that depends on y, and d_y (n, O) holds dL/dy.  One element at a time

    y[t, j] = sum_i x[t, i] W[i, j] + b[j]

so the chain rule gives d_W[i, j] = sum_t d_y[t, j] x[t, i]: a sum over all outputs that the element took part in.  Find
d_b and d_x in the same way, then write all three without a loop.

With a ReLU in front, h = max(x, 0) and y = h W + b: W is multiplied by h, and the gradient of an x <= 0 is 0.

The real ones, in a3c_numba/core/layers: Dense.backward in dense.py, rectified_backward in relu_dense.py.
"""

import numpy as np


def dense_backward(x, weight, d_y):
    """Return d_weight (I, O), d_bias (O,), d_x (n, I) for x (n, I), weight (I, O), d_y (n, O).

    Hint: each is one line, and the shapes allow only one order of the factors.
    """
    # <blank>
    # d_weight = ...
    # d_bias = ...
    # d_x = ...
    # <answer>
    d_weight = x.T @ d_y
    d_bias = d_y.sum(axis=0)
    d_x = d_y @ weight.T
    # </blank>
    return d_weight, d_bias, d_x


def rectified_dense_backward(x, weight, d_y):
    """Return the same for y = max(x, 0) weight + bias.

    Hint: call dense_backward with what the weights were multiplied by, then set to 0 what the ReLU stops.
    """
    # <blank>
    # raise NotImplementedError
    # <answer>
    d_weight, d_bias, d_h = dense_backward(np.maximum(x, 0), weight, d_y)
    return d_weight, d_bias, d_h * (x > 0)
    # </blank>


if __name__ == "__main__":
    # By hand: d_W = [[2], [4]], d_b = [2], d_x = [[6, 8]]
    print(dense_backward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([[2.0]])))
