"""Initial weights and biases.  A weight is always (fan_in, fan_out), a bias (fan_out,); both are written in place."""

from typing import Callable

import numpy as np

Initializer = Callable[[np.ndarray, np.ndarray, np.random.Generator], None]


def fan_in_uniform(weight: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> None:
    """Draw weight, bias ~ U(-1/sqrt(fan_in), 1/sqrt(fan_in)): the paper's (Torch's default of 2015)."""
    bound = 1 / np.sqrt(len(weight))
    weight[:] = rng.uniform(-bound, bound, weight.shape)
    bias[:] = rng.uniform(-bound, bound, bias.shape)


def he_normal(weight: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> None:
    """Draw weight ~ N(0, 2/fan_in), bias 0: keeps the variance of activations through ReLU (He et al. 2015)."""
    weight[:] = rng.normal(0, np.sqrt(2 / len(weight)), weight.shape)
    bias[:] = 0


def orthogonal(weight: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> None:
    """Draw weight = sqrt(2) Q, rows or columns orthonormal, bias 0: keeps it in every direction (Saxe et al. 2014)."""
    fan_in, fan_out = weight.shape
    q, r = np.linalg.qr(rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out))))
    q *= np.sign(np.diag(r))
    weight[:] = np.sqrt(2) * (q if fan_in >= fan_out else q.T)
    bias[:] = 0


def near_zero(weight: np.ndarray, bias: np.ndarray, rng: np.random.Generator) -> None:
    """Draw weight ~ N(0, 1e-4/fan_in), bias 0, for heads: the first policy is uniform within 0.01, values about 0."""
    weight[:] = rng.normal(0, 0.01 / np.sqrt(len(weight)), weight.shape)
    bias[:] = 0
