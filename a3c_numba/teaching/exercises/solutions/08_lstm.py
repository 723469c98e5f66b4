"""Exercise 8: one LSTM cell, backwards through one step of time.

For n cells, z (4 n,) = [x_t h_{t-1}] W + b is split into four gates, stored in this order:

    i, f, o = logistic(z_i), logistic(z_f), logistic(z_o)      g = tanh(z_g)
    c = f c_before + i g                                       the memory
    h = o tanh(c)                                              the output

d_h (n,) = dL/dh comes from the layer above and from the next step.  d_c (n,) comes only from the next step: c also
made h, so its whole gradient is d_c plus the gradient through tanh.  From the whole gradient follow those of i, f, g
and c_before; each gate's gradient then gives that of its z, with the derivatives

    s' = s (1 - s) for the logistic, 1 - g^2 for tanh

The real one: cell_backward in a3c_numba/core/layers/lstm.py.
"""

import numpy as np


def lstm_cell_backward(gates, c_before, c, d_h, d_c):
    """Return d_z_i, d_z_f, d_z_o, d_z_g, d_c_before (n,) for gates (4 n,) = [i f o g], c_before, c, d_h, d_c (n,).

    Hint: first the whole gradient of c; then, for each gate, the lines above that contain it.
    """
    i, f, o, g = np.split(gates, 4)
    # <blank>
    # d_z_i = ...
    # d_z_f = ...
    # d_z_o = ...
    # d_z_g = ...
    # d_c_before = ...
    # <answer>
    tanh_c = np.tanh(c)
    d_c = d_c + d_h * o * (1 - tanh_c ** 2)
    d_z_i = d_c * g * i * (1 - i)
    d_z_f = d_c * c_before * f * (1 - f)
    d_z_o = d_h * tanh_c * o * (1 - o)
    d_z_g = d_c * i * (1 - g ** 2)
    d_c_before = d_c * f
    # </blank>
    return d_z_i, d_z_f, d_z_o, d_z_g, d_c_before


if __name__ == "__main__":
    # By hand: c = 1/2 * -1/2 + 1/2 * 1/2 = 0, so tanh(c) = 0 and d_z_o = 0; the whole gradient of c is 2 * 1/2 = 1, and
    # d_z_i = 1/2 * 1/4 = 0.125, d_z_f = -1/2 * 1/4 = -0.125, d_z_g = 1/2 * 3/4 = 0.375, d_c_before = 1/2
    one = np.ones(1)
    print(lstm_cell_backward(np.array([0.5, 0.5, 0.5, 0.5]), -one / 2, 0 * one, 2 * one, 0 * one))
