"""Own parts: a layer, a network and a loss of one's own, checked by differences, then trained on Catch.

LayerNorm, for a row x of n numbers, with mean m and standard deviation s (Ba et al. 2016):

    z = (x - m) / s             y = gain z + bias
    d_gain = sum over rows of d_y z         d_bias = sum over rows of d_y         d_z = d_y gain
    d_x = (d_z - mean(d_z) - z mean(d_z z)) / s          m and s depend on every x_i, hence the two means

Huber's loss in place of (R - V)^2 for the critic: a parabola up to an error of 1, then a line.  So one surprising
return moves V no further than a moderate one.

    H(e) = e^2 if |e| <= 1, else 2 |e| - 1           dH/de = 2 e, limited to [-2, 2]

Notice that a part needs only the methods of its Protocol: ``Layer``, ``NetworkSettings``, ``Algorithm`` (or
``Optimizer``).  A subclass overrides what differs.  A saved agent has the parts' names only: ``load`` asks for them.
(PPO's clip would change nothing here: each rollout is used for one step, at which the ratio of its policies is 1.)
Try     a mistake in ``backward``: leave out ``mean(d_z z)``.  Training still works, and the check says WRONG.
"""

import sys
from dataclasses import dataclass

import numpy as np

from a3c_numba import A3C, Agent
from a3c_numba.core.layers.base import Layer
from a3c_numba.core.layers.containers import Chain, Fork
from a3c_numba.core.layers.dense import Dense
from a3c_numba.core.layers.relu_dense import ReluDense
from a3c_numba.diagnostics import gradient_check


class LayerNorm(Layer):
    """y = gain (x - mean) / deviation + bias, for each row."""

    def __init__(self, n):
        self.input_shape = self.output_shape = (n,)
        self.shapes = {"gain": (n,), "bias": (n,)}

    def init(self, p, rng):
        p["gain"][:] = 1
        p["bias"][:] = 0

    def forward(self, p, x, cache, rows):
        z, _ = normalised(x)
        cache.y[rows] = p["gain"] * z + p["bias"]
        return cache.y[rows]

    def backward(self, p, d_p, x, cache, d_y, input_gradient=True):
        z, s = normalised(x)
        d_p["gain"] += (d_y * z).sum(axis=0)                             # y = gain z + bias
        d_p["bias"] += d_y.sum(axis=0)                                   # y = gain z + bias
        d_z = d_y * p["gain"]                                            # y = gain z + bias
        return (d_z - mean(d_z) - z * mean(d_z * z)) / s                 # z = (x - m) / s


def mean(x):
    """Return the mean of each row, (rows, 1)."""
    return x.mean(axis=1, keepdims=True)


def normalised(x):
    """Return z and s of each row; the small number keeps a row of equal numbers finite."""
    s = np.sqrt(x.var(axis=1, keepdims=True) + x.dtype.type(1e-5))
    return (x - mean(x)) / s, s


@dataclass(frozen=True)
class NormalisedMLP:
    """A dense layer, LayerNorm and a head, for each head."""

    hidden: int = 32

    def takes(self, observation_shape):
        """True for vectors."""
        return len(observation_shape) == 1

    def build(self, observation_shape, heads):
        """Return the networks, side by side."""
        n = self.hidden
        return Fork(**{name: Chain(dense=Dense(observation_shape[0], n), norm=LayerNorm(n), head=ReluDense(n, width))
                       for name, width in heads.items()})


@dataclass(frozen=True)
class HuberA3C(A3C):
    """A3C with Huber's loss for V; the policy's terms are A3C's."""

    def loss_gradient(self, distribution, actions, returns, outputs, progress=0.0):
        d_policy, _ = super().loss_gradient(distribution, actions, returns, outputs, progress)
        errors = self.advantages(returns, outputs)[:, None]              # R - V
        return d_policy, -self.value_weight * np.clip(2 * errors, -2, 2)              # L = ... + c H(R - V)

    def loss(self, distribution, actions, returns, advantages, outputs):
        errors = np.abs(returns - outputs[1][:, 0])
        policy = distribution.loss(outputs[0], actions, advantages, self.entropy_weight)
        return policy + self.value_weight * np.where(errors <= 1, errors ** 2, 2 * errors - 1).sum()


def main(total_steps=100_000):
    """Check the gradients; train; save and load."""
    agent = Agent("Catch", HuberA3C(t_max=20), network=NormalisedMLP(), workers=2)
    rows = gradient_check.check(agent.config)
    print(*(f"{row.name:20} worst error {row.error:.0e}" for row in rows), gradient_check.verdict(rows), sep="\n")
    agent.learn(total_steps)
    print("score of 100 games:", agent.evaluate(100).mean())
    agent.save("own_parts.npz")
    try:
        Agent.load("own_parts.npz")
    except ValueError as error:
        print("without the parts:", error)
    again = Agent.load("own_parts.npz", algorithm=HuberA3C(t_max=20), network=NormalisedMLP())
    print("with them:        ", again.evaluate(100).mean())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
