"""A naive LSTM: a small matrix for each gate and source, one cell at a time, from the equations of Gers et al. (2000).

There is no backward pass in here to be wrong in the same way as the layer's: ``complex_gradient`` differentiates the
forward one.  For an analytic f, f(x + ih) = f(x) + ih f'(x) - ..., so that f' = Im f(x + ih) / h; no two numbers
are subtracted, h may be 1e-30, and the derivative is as good as f itself.
"""

from typing import Any, Callable, NamedTuple

import numpy as np

H = 1e-30
GATES = ("input", "forget", "output", "candidate")


class Gate(NamedTuple):
    """What goes into one gate of each of n cells."""

    from_x: np.ndarray      # (inputs, n)
    from_h: np.ndarray      # (n, n)
    bias: np.ndarray        # (n,)


def gates_of(weight: np.ndarray, bias: np.ndarray) -> dict[str, Gate]:
    """The layer's two arrays, weight (inputs + n, 4 n) and bias (4 n,), taken apart."""
    n = len(bias) // 4
    columns = {name: slice(k * n, (k + 1) * n) for k, name in enumerate(GATES)}
    return {name: Gate(weight[:-n, at], weight[-n:, at], bias[at]) for name, at in columns.items()}


def logistic(z: Any) -> Any:
    """1 / (1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def _sum_into(gate: Gate, x: np.ndarray, h: np.ndarray, k: int) -> Any:
    """What cell k's gate is told."""
    return sum(x[i] * gate.from_x[i, k] for i in range(len(x))) + \
        sum(h[j] * gate.from_h[j, k] for j in range(len(h))) + gate.bias[k]


def lstm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, h: np.ndarray,
         c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (T, inputs) from the state h, c (n,) -> y (T, n), and the state after the last row."""
    gates, y = gates_of(weight, bias), []
    for row in x:
        new_h, new_c = [], []
        for k in range(len(c)):
            opened = {name: logistic(_sum_into(gates[name], row, h, k)) for name in GATES[:3]}
            candidate = np.tanh(_sum_into(gates["candidate"], row, h, k))
            new_c.append(opened["forget"] * c[k] + opened["input"] * candidate)
            new_h.append(opened["output"] * np.tanh(new_c[-1]))
        h, c = np.array(new_h), np.array(new_c)
        y.append(h)
    return np.array(y), h, c


def complex_gradient(f: Callable[[np.ndarray], Any], x: np.ndarray) -> np.ndarray:
    """Every partial derivative of an analytic, real f at x."""
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        stepped = x.astype(complex)
        stepped[index] += 1j * H
        gradient[index] = np.imag(f(stepped)) / H
    return gradient
