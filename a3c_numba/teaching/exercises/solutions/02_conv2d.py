"""Exercise 2: a convolution, backwards, as a matrix product.

One image x (H, W, C), a square kernel of side k, a stride s, no padding.  Output position (a, b) sees the patch
x[a s : a s + k, b s : b s + k], laid flat into K = k k C numbers.  With all h w patches as the rows of P

    y = P weight + bias    P (h w, K), weight (K, O), bias (O,), y (h w, O)

This is exercise 1 with P in the place of x: d_weight, d_bias and d_P are known already.  The new part is the way from
d_P to d_x: a pixel is copied into every patch that holds it, so its gradient is the sum of the gradients of all copies.
If k > s, patches overlap; a pixel at the border that no patch reaches gets 0.

The real one: Conv2d.backward and add_patches in a3c_numba/core/layers/conv2d.py.
"""

import numpy as np


def patches_of(x, k, stride):
    """Return P (h w, k k C), the patches of x (H, W, C) as rows, and h, w.  Nothing to do here."""
    h, w = (x.shape[0] - k) // stride + 1, (x.shape[1] - k) // stride + 1
    rows = [x[a * stride:a * stride + k, b * stride:b * stride + k].reshape(-1) for a in range(h) for b in range(w)]
    return np.array(rows), h, w


def conv2d_backward(x, weight, d_y, k, stride):
    """Return d_weight (k k C, O), d_bias (O,), d_x (H, W, C) for x (H, W, C), weight (k k C, O), d_y (h, w, O).

    Hint: first make d_y a matrix of h w rows.  For d_x start with zeros and loop over the positions (a, b) as
    patches_of does, with each row of d_P shaped (k, k, C) again.
    """
    # <blank>
    # d_weight = ...
    # d_bias = ...
    # d_x = ...
    # <answer>
    P, h, w = patches_of(x, k, stride)
    d_rows = d_y.reshape(h * w, -1)
    d_weight = P.T @ d_rows
    d_bias = d_rows.sum(axis=0)
    d_P = (d_rows @ weight.T).reshape(h, w, k, k, x.shape[2])
    d_x = np.zeros_like(x)
    for a in range(h):
        for b in range(w):
            d_x[a * stride:a * stride + k, b * stride:b * stride + k] += d_P[a, b]
    # </blank>
    return d_weight, d_bias, d_x


if __name__ == "__main__":
    # By hand, two patches of one pixel each: d_weight = 1 * 10 + 3 * 20 = 70, d_bias = 30, d_x = 5 * [10, 0, 20]
    image = np.array([[[1.0], [2.0], [3.0]]])
    print(conv2d_backward(image, np.array([[5.0]]), np.array([[[10.0], [20.0]]]), 1, 2))
