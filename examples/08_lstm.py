"""Lesson 8: a memory: the LSTM, unrolled through time, and its gradient.

Forwards, for t = 1 .. T:                             Backwards, for t = T .. 1, with d_h and d_c from t + 1:
    z = [x_t h] W + b, split in i f o g                   d_h += d_y_t                           h_t is the output, too
    i, f, o = 1 / (1 + e^-z);  g = tanh(z)                d_o = d_h tanh(c)                      h = o tanh(c)
    c = f c_before + i g                                  d_c += d_h o (1 - tanh(c)^2)           h = o tanh(c)
    h = o tanh(c)                                         d_i, d_g, d_f = d_c g, d_c i, d_c c_before
                                                          d_c_before = d_c f                     c = f c_before + i g
                                                          d_z: d_i i (1 - i), so f and o; d_g (1 - g^2)
                                                          [d_x_t d_h] = d_z W^T                  z = [x_t h] W + b

New:     weights used at every step of time, as those of lesson 3 at every place; their gradients add up likewise.
Notice:  along c a gradient is multiplied by f at each step.  If the gates are open (f near 1), it reaches far back; if
         they are half open, it is halved at every step, and nothing can be learned from ten steps back.
Try:     0.1 for 0.02 in ``main``: far back the gradient grows again, through h.  Leave out ``* f``: the check fails.
"""

import itertools

import numpy as np

from a3c_numba.core.layers.lstm import LSTM
from a3c_numba.plots import Series, line_plot

I, N, BIASES = 3, 8, (-2, 0, 2, 4)                                       # inputs, cells; forget gates' biases


def forward(x, W, b):
    """Return y (T, N) for x (T, I), and for each step the values that backward needs."""
    h, c, kept = np.zeros(N), np.zeros(N), []
    for row in x:
        xh, c_before = np.concatenate([row, h]), c
        z = xh @ W + b
        i, f, o, g = *1 / (1 + np.exp(-z[:3 * N].reshape(3, N))), np.tanh(z[3 * N:])
        c = f * c_before + i * g
        h = o * np.tanh(c)
        kept.append((xh, c_before, i, f, o, g, np.tanh(c), h))
    return np.array([step[-1] for step in kept]), kept


def backward(W, kept, d_y):
    """Return d_W, d_b, d_x (T, I), and the gradient of c at each step, (T, N), for d_y (T, N)."""
    d_W, d_b, d_x, d_cs = np.zeros_like(W), np.zeros(4 * N), np.zeros((len(kept), I)), np.zeros((len(kept), N))
    d_h = d_c = np.zeros(N)                                              # no gradient comes from after the last step
    for t in reversed(range(len(kept))):
        xh, c_before, i, f, o, g, tanh_c, _ = kept[t]
        d_h = d_h + d_y[t]
        d_c = d_c + d_h * o * (1 - tanh_c ** 2)                          # h = o tanh(c)
        d_i, d_f, d_o, d_g = d_c * g, d_c * c_before, d_h * tanh_c, d_c * i
        d_z = np.concatenate([d_i * i * (1 - i), d_f * f * (1 - f), d_o * o * (1 - o), d_g * (1 - g * g)])
        d_W += np.outer(xh, d_z)                                         # z = [x h] W + b
        d_b += d_z                                                       # z = [x h] W + b
        d_x[t], d_h, d_cs[t] = *np.split(d_z @ W.T, [I]), d_c            # z = [x h] W + b: d_h of the step before
        d_c = d_c * f                                                    # c = f c_before + i g
    return d_W, d_b, d_x, d_cs


def main():
    """Check over five steps; then measure how far back a gradient of the last step reaches."""
    rng, T, e = np.random.default_rng(0), 5, 1e-5
    x, d_y, W, b = (rng.normal(size=s) for s in ((T, I), (T, N), (I + N, 4 * N), (4 * N,)))
    d_W, d_b, d_x, _ = backward(W, forward(x, W, b)[1], d_y)
    for name, value, by_hand in (("W", W, d_W), ("b", b, d_b), ("x", x, d_x)):
        seen = 0 * value
        for index, sign in itertools.product(np.ndindex(value.shape), (1, -1)):
            value[index] += sign * e
            seen[index] += sign * (forward(x, W, b)[0] * d_y).sum() / (2 * e)       # L = sum of y d_y
            value[index] -= sign * e
        print(f"d_{name} over {T} steps, by hand and by differences: {np.abs(by_hand - seen).max():.0e} apart")
    layer, p, d_p = LSTM(I, N), {"weight": W, "bias": b}, {"weight": 0 * W, "bias": 0 * b}
    cache = layer.cache(T, np.float64)
    layer.forward(p, x, cache, slice(0, T))
    layer.backward(p, d_p, x, cache, d_y)
    print(f"the package's layer says the same: {np.abs(d_p['weight'] - d_W).max():.0e} apart")

    T, curves = 150, []
    for bias in BIASES:
        f = 1 / (1 + np.exp(-bias))                                      # for z = bias; inputs change it a little
        W, b = rng.uniform(-0.02, 0.02, (I + N, 4 * N)), np.repeat([0.0, bias, 0, 0], N)
        kept = forward(rng.normal(size=(T, I)), W, b)[1]
        d_c = backward(W, kept, np.eye(T)[-1][:, None] * np.ones(N))[3]  # only the last step has a d_y
        size = np.linalg.norm(d_c, axis=1)[::-1] / np.linalg.norm(d_c[-1])
        curves.append(Series(f"bias {bias}: f about {f:.2f}", range(T), size))
        print(f"forget bias {bias:2}   f about {f:.2f}   of the gradient {size[10]:7.1%} is left 10 steps back")
    line_plot(curves, "Lesson 8: how far back a gradient reaches, by how open the forget gate is", "steps back",
              "|dL/dc|, of the last step's", "08_lstm.png")


if __name__ == "__main__":
    main()
