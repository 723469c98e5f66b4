"""The formulas that a trace prints, by class: layers, targets, losses, optimisers.

Symbols are those of the files that compute them: x and y are a layer's input and output, W and b its parameters, P
the patches of a convolution, theta' the worker's parameters, theta- the target network's.
"""

import dataclasses
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ...core.algorithms import A3C, Algorithm, NStepQ, OneStepQ, OneStepSarsa
from ...core.algorithms.value_based import ValueMethod
from ...core.distributions import Distribution
from ...core.layers.base import Outputs
from ...core.layers.containers import Fork
from ...core.layers.conv2d import Conv2d
from ...core.layers.dense import Dense
from ...core.layers.input_scaling import Center, Scale
from ...core.layers.lstm import LSTM
from ...core.layers.relu import ReLU
from ...core.layers.relu_dense import ReluDense
from ...core.optimizers import LocalRMSProp, MomentumSGD, RMSProp
from ...core.returns import Rollout
from ...core.schedules import linear


class Layer(NamedTuple):
    """The formulas of a layer: forward, the gradients of weight, bias and input, and a fused ReLU."""

    forward: str
    weight: str = ""
    bias: str = ""
    input: str = ""
    inside: str = ""


LAYERS: dict[type, Layer] = {
    Dense: Layer("y = x W + b", "d_W += x^T d_y", "d_b += sum of d_y over rows", "d_x = d_y W^T"),
    ReluDense: Layer("y = h W + b", "d_W += h^T d_y", "d_b += sum of d_y over rows", "d_x = (d_y W^T) [x > 0]",
                     inside="h = max(x, 0)"),
    Conv2d: Layer("y = P W + b, P = patches of x", "d_W += P^T d_y", "d_b += sum of d_y over positions",
                  "d_x = patches of d_y W^T, added back"),
    ReLU: Layer("y = max(x, 0)", input="d_x = d_y [x > 0]"),
    LSTM: Layer("z = [x h'] W + b; y = h = o tanh(c)", "d_W += [x h']^T d_z", "d_b += sum of d_z over rows",
                "d_x = d_z W_x^T"),
    Scale: Layer("y = x / 255", input="d_x = d_y / 255"),
    Center: Layer("y = (x - median of x) / 128", input="d_x = d_y / 128"),
    Fork: Layer("y = one for each branch", input="d_x = sum of the branches' d_x"),
}

TARGETS = {                              # %-formats, filled in with the method's fields
    A3C: "R_t = r_t + gamma_t [(1 - lambda) V_{t+1} + lambda R_{t+1}],  R_T = V_T,  lambda = %(gae_lambda)g",
    NStepQ: "R_t = r_t + gamma_t R_{t+1},  R_T = max_a Q(s_T, a; theta-)",
    OneStepQ: "R_t = r_t + gamma_t max_a Q(s_{t+1}, a; theta-)",
    OneStepSarsa: "R_t = r_t + gamma_t Q(s_{t+1}, a_{t+1}; theta-)",
}

_RMSPROP = ("g <- alpha g + (1 - alpha) d^2", "theta <- theta - eta d / sqrt(g + epsilon)")
OPTIMIZERS = {RMSProp: _RMSPROP, LocalRMSProp: _RMSPROP,
              MomentumSGD: ("m <- alpha m + (1 - alpha) d", "theta <- theta - eta m")}


class Loss(NamedTuple):
    """The terms of a loss for each step; L is their sum."""

    formula: str
    columns: dict[str, np.ndarray]       # heading -> (T,), the quantities in the terms
    terms: dict[str, np.ndarray]         # heading -> (T,)


@singledispatch
def loss(algorithm: Algorithm, distribution: Distribution, rollout: Rollout, returns: np.ndarray, outputs: Outputs,
         progress: float) -> Loss:
    """Split the loss of ``algorithm`` into terms, computed by its own ``loss``; ``outputs`` has T rows."""
    raise NotImplementedError(type(algorithm).__name__)


@loss.register
def _(algorithm: A3C, distribution: Distribution, rollout: Rollout, returns: np.ndarray, outputs: Outputs,
      progress: float) -> Loss:
    advantages = algorithm.advantages(returns, outputs)
    beta = linear(algorithm.entropy_weight, algorithm.entropy_weight * algorithm.entropy_share_left, progress)

    def only(beta: float, value_weight: float, advantages: np.ndarray) -> np.ndarray:
        part = dataclasses.replace(algorithm, entropy_weight=beta, value_weight=value_weight)
        return _each(part, distribution, rollout, returns, advantages, outputs)
    terms = {"-log pi A": only(0.0, 0.0, advantages), "-beta H": only(beta, 0.0, 0 * advantages),
             "c A^2": only(0.0, algorithm.value_weight, 0 * advantages)}
    formula = f"sum of -log pi(a_t) A_t - {beta:g} H_t + {algorithm.value_weight:g} A_t^2"
    return Loss(formula, {"V_t": algorithm.value(outputs), "R_t": returns, "A = R - V": advantages}, terms)


@loss.register
def _(algorithm: ValueMethod, distribution: Distribution, rollout: Rollout, returns: np.ndarray, outputs: Outputs,
      progress: float) -> Loss:
    taken = outputs[0][np.arange(rollout.length), rollout.actions]
    columns = {"Q(s_t, a_t)": taken, "R_t": returns, "R - Q": returns - taken}
    return Loss("sum of (R_t - Q(s_t, a_t))^2", columns,
                {"(R - Q)^2": _each(algorithm, distribution, rollout, returns, returns, outputs)})


def _each(algorithm: Algorithm, distribution: Distribution, rollout: Rollout, returns: np.ndarray,
          advantages: np.ndarray, outputs: Outputs) -> np.ndarray:
    """Return the loss of each step alone (T,)."""
    def one(t: int) -> float:
        row = slice(t, t + 1)
        rows = tuple(y[row] for y in outputs)
        return algorithm.loss(distribution, rollout.actions[row], returns[row], advantages[row], rows)
    return np.array([one(t) for t in range(rollout.length)])


@singledispatch
def place_of(layer: object, place: tuple[int | np.integer, ...]) -> str:
    """Describe what one element of a layer's weight connects."""
    return f"from input {place[0]} to output {place[1]}"


@place_of.register
def _(layer: Conv2d, place: tuple[int | np.integer, ...]) -> str:
    k, channels = layer.k, layer.input_shape[2]
    row, column, channel = np.unravel_index(place[0], (k, k, channels))
    return f"from row {row}, column {column}, channel {channel} of every {k}x{k} patch to filter {place[1]}"
