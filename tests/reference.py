"""Naive NumPy twins of all that is computed in kernels, written in another style: einsum, windows, Jacobians and
forward-view sums in float64, straight from the formulas, so that twin and kernel cannot share a bug.

Nothing of the package is imported here.  ``run_a3c`` at the end is the whole of one worker's training as one function.
"""

from typing import Any, Callable, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Arrays = dict[str, np.ndarray]


# ---- central differences

def coordinate_gradient(f: Callable[[], float], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Every partial derivative of f, which reads x, by (f(x + h e) - f(x - h e)) / 2 h; x is put back."""
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f()
        x[index] = kept - h
        below = f()
        x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def directional_derivative(f: Callable[[], float], x: np.ndarray, direction: np.ndarray, h: float = 1e-5) -> float:
    """The derivative of f, which reads x, along ``direction``; x is put back."""
    kept = x.copy()
    x[...] = kept + h * direction
    above = f()
    x[...] = kept - h * direction
    below = f()
    x[...] = kept
    return (above - below) / (2 * h)


# ---- layers

def dense(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(n, I) -> (n, O)."""
    return np.einsum("ni,io->no", x, weight) + bias


def dense_gradients(x: np.ndarray, weight: np.ndarray, d_y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """d_weight, d_bias, d_x."""
    return np.einsum("ni,no->io", x, d_y), np.einsum("no->o", d_y), np.einsum("no,io->ni", d_y, weight)


def _windows(x: np.ndarray, k: int, stride: int) -> np.ndarray:
    """(n, H, W, C) -> (n, h, w, C, k, k)."""
    return sliding_window_view(x, (k, k), axis=(1, 2))[:, ::stride, ::stride]


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, k: int, stride: int) -> np.ndarray:
    """(n, H, W, C) -> (n, h, w, O); weight (k k C, O) in the order row, column, channel."""
    filters = weight.reshape(k, k, x.shape[3], -1)
    return np.einsum("nabcij,ijco->nabo", _windows(x, k, stride), filters, optimize=True) + bias


def conv_gradients(x: np.ndarray, weight: np.ndarray, d_y: np.ndarray, k: int,
                   stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """d_weight, d_bias, d_x; the last one output position at a time."""
    filters = weight.reshape(k, k, x.shape[3], -1)
    d_filters = np.einsum("nabcij,nabo->ijco", _windows(x, k, stride), d_y, optimize=True)
    d_x = np.zeros(x.shape)
    for a in range(d_y.shape[1]):
        for b in range(d_y.shape[2]):
            there = np.s_[:, a * stride:a * stride + k, b * stride:b * stride + k]
            d_x[there] += np.einsum("no,ijco->nijc", d_y[:, a, b], filters)
    return d_filters.reshape(weight.shape), d_y.sum(axis=(0, 1, 2)), d_x


def relu(x: np.ndarray) -> np.ndarray:
    """(x + |x|) / 2."""
    return (x + np.abs(x)) / 2


def scaled(x: np.ndarray) -> np.ndarray:
    """Bytes (n, H, W, C) as shares of white."""
    return x.astype(np.float64) / 255


def centered(x: np.ndarray) -> np.ndarray:
    """Bytes (n, H, W, C) less the upper median of every 17th byte of their image, in units of 128."""
    samples = [np.sort(image.ravel()[::17]) for image in x.astype(np.float64)]
    return np.stack([(image - sample[len(sample) // 2]) / 128 for image, sample in zip(x, samples)])


# ---- distributions

def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(..., n) -> (..., n)."""
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def entropy(logits: np.ndarray) -> np.ndarray:
    """(..., n) -> (...), in nats; where pi is 0, pi log pi is 0."""
    pi = np.exp(log_softmax(logits))
    return -np.sum(pi * np.log(pi, where=pi > 0, out=np.zeros_like(pi)), axis=-1)


def sample(logits: np.ndarray, u: float) -> int:
    """The first action whose cumulative probability exceeds u."""
    cumulative = np.cumsum(np.exp(log_softmax(np.asarray(logits, np.float64))))
    return int(min(np.searchsorted(cumulative, u, side="right"), len(cumulative) - 1))


def policy_gradient(logits: np.ndarray, actions: np.ndarray, advantages: np.ndarray, beta: float) -> np.ndarray:
    """Gradient of sum_t [ -log pi(a_t) A_t - beta H_t ], through the Jacobian of softmax, row by row."""
    rows = []
    for z, a, advantage in zip(logits, actions, advantages):
        pi = np.exp(log_softmax(z))
        jacobian = np.diag(pi) - np.outer(pi, pi)                        # d pi / d z
        d_log_pi = jacobian[a] / pi[a]
        d_H = -jacobian @ (np.log(pi) + 1)
        rows.append(-advantage * d_log_pi - beta * d_H)
    return np.array(rows)


# ---- returns

def n_step_return(rewards: np.ndarray, discounts: np.ndarray, values: np.ndarray, t: int, n: int) -> float:
    """G = r_t + g_t r_{t+1} + ... + (g_t ... g_{t+n-1}) V_{t+n}."""
    weights = np.concatenate([[1.0], np.cumprod(discounts[t:t + n])])
    return float(weights[:n] @ rewards[t:t + n] + weights[n] * values[t + n])


def lambda_returns(rewards: np.ndarray, discounts: np.ndarray, values: np.ndarray, lambda_: float) -> np.ndarray:
    """The forward view: (1 - lambda) sum_n lambda^(n-1) G^(n), the longest G taking what weight is left."""
    T = len(rewards)
    returns = np.zeros(T)
    for t in range(T):
        for n in range(1, T - t + 1):
            share = lambda_ ** (n - 1) * (1 - lambda_ if n < T - t else 1)
            returns[t] += share * n_step_return(rewards, discounts, values, t, n)
    return returns


# ---- optimiser

class Step(NamedTuple):
    """What one step of RMSProp leaves behind."""

    theta: np.ndarray
    g: np.ndarray
    norm: float


def rmsprop(theta: np.ndarray, g: np.ndarray, d: np.ndarray, eta: float, alpha: float, epsilon: float,
            max_norm: float) -> Step:
    """g <- alpha g + (1 - alpha) d^2 ; theta <- theta - eta d / sqrt(g + epsilon), after clipping; new arrays."""
    norm = float(np.linalg.norm(d))
    clipped = d * min(1.0, max_norm / norm) if norm > 0 else d
    new_g = alpha * g + (1 - alpha) * np.square(clipped)
    return Step(theta - eta * clipped * (new_g + epsilon) ** -0.5, new_g, norm)


# ---- the paper's networks, forwards and backwards

def _heads(p: Arrays, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits, value = (dense(h, p[f"heads.{name}.weight"], p[f"heads.{name}.bias"]) for name in ("policy", "value"))
    return logits, value[:, 0]


def _put_dense(d: Arrays, name: str, p: Arrays, x: np.ndarray, d_y: np.ndarray) -> np.ndarray:
    d[f"{name}.weight"], d[f"{name}.bias"], d_x = dense_gradients(x, p[f"{name}.weight"], d_y)
    return d_x


def _heads_gradients(d: Arrays, p: Arrays, h: np.ndarray, d_logits: np.ndarray, d_values: np.ndarray) -> np.ndarray:
    return (_put_dense(d, "heads.policy", p, h, d_logits)
            + _put_dense(d, "heads.value", p, h, d_values[:, None])) * (h > 0)


class MLP:
    """x -> dense1 -> ReLU -> dense2 -> ReLU -> head, for the policy and once more for the value."""

    def forward(self, p: Arrays, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, A), values (n,)."""
        logits, values = (self._layers(p, name, x)[-1] for name in ("policy", "value"))
        return logits, values[:, 0]

    def _layers(self, p: Arrays, name: str, x: np.ndarray) -> tuple[np.ndarray, ...]:
        one = relu(dense(np.asarray(x, np.float64), p[f"{name}.dense1.weight"], p[f"{name}.dense1.bias"]))
        two = relu(dense(one, p[f"{name}.dense2.weight"], p[f"{name}.dense2.bias"]))
        return one, two, dense(two, p[f"{name}.head.weight"], p[f"{name}.head.bias"])

    def gradients(self, p: Arrays, x: np.ndarray, d_logits: np.ndarray, d_values: np.ndarray) -> Arrays:
        """By name, as p."""
        d: Arrays = {}
        for name, d_y in (("policy", d_logits), ("value", d_values[:, None])):
            one, two, _ = self._layers(p, name, x)
            d_two = _put_dense(d, f"{name}.head", p, two, d_y) * (two > 0)
            d_one = _put_dense(d, f"{name}.dense2", p, one, d_two) * (one > 0)
            _put_dense(d, f"{name}.dense1", p, np.asarray(x, np.float64), d_one)
        return d


class Convolutional:
    """Bytes -> conv1 8x8/4 -> ReLU -> conv2 4x4/2 -> ReLU -> dense -> ReLU -> heads."""

    def __init__(self, pixels: Callable[[np.ndarray], np.ndarray]) -> None:
        self.pixels = pixels

    def forward(self, p: Arrays, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, A), values (n,)."""
        return _heads(p, self._hidden(p, x)[-1])

    def _hidden(self, p: Arrays, x: np.ndarray) -> tuple[np.ndarray, ...]:
        image = self.pixels(x)
        one = relu(conv(image, p["conv1.weight"], p["conv1.bias"], 8, 4))
        two = relu(conv(one, p["conv2.weight"], p["conv2.bias"], 4, 2))
        return image, one, two, relu(dense(two.reshape(len(x), -1), p["dense.weight"], p["dense.bias"]))

    def gradients(self, p: Arrays, x: np.ndarray, d_logits: np.ndarray, d_values: np.ndarray) -> Arrays:
        """By name, as p."""
        d: Arrays = {}
        image, one, two, three = self._hidden(p, x)
        d_three = _heads_gradients(d, p, three, d_logits, d_values)
        d_two = _put_dense(d, "dense", p, two.reshape(len(x), -1), d_three).reshape(two.shape) * (two > 0)
        d["conv2.weight"], d["conv2.bias"], d_one = conv_gradients(one, p["conv2.weight"], d_two, 4, 2)
        d["conv1.weight"], d["conv1.bias"], _ = conv_gradients(image, p["conv1.weight"], d_one * (one > 0), 8, 4)
        return d


# ---- one worker's training, in a straight line

class Update(NamedTuple):
    """One rollout and the update that it made."""

    steps: int
    ending: str             # "", "terminated" or "truncated"
    score: float            # of the episode that ended here
    entropy: float          # mean over the rollout, in nats
    value: float            # mean over the rollout
    norm: float             # of the gradient before clipping
    eta: float


def run_a3c(env: Any, network: Any, theta: Arrays, a3c: Any, optimizer: Any, seed: Any, total_steps: int,
            updates: int) -> tuple[Arrays, Arrays, list[Update]]:
    """Algorithm S3 with one worker; ``a3c`` and ``optimizer`` are only read for their numbers.

    Returns theta, g and what happened.
    """
    rng = np.random.default_rng(seed)
    p = {name: np.array(array, np.float64) for name, array in theta.items()}
    g = {name: np.zeros(array.shape) for name, array in p.items()}
    log: list[Update] = []
    total, score, current = 0, 0.0, None
    for _ in range(updates):
        if current is None:
            current, score = env.reset(seed=int(rng.integers(2**31)))[0], 0.0
        obs, actions, rewards, discounts, ending = [], [], [], [], ""
        while len(actions) < a3c.t_max and not ending:
            obs.append(np.array(current))
            logits, _ = network.forward(p, obs[-1][None])
            actions.append(sample(logits[0], rng.random()))
            current, reward, terminated, truncated, _ = env.step(actions[-1])
            score += reward
            rewards.append(a3c.reward_scale * (np.clip(reward, -1, 1) if a3c.clip_rewards else reward))
            discounts.append(a3c.discount)
            ending = "terminated" if terminated else "truncated" if truncated else ""
        logits, values = network.forward(p, np.array(obs))
        bootstrap = network.forward(p, np.array(current)[None])[1][0]
        if ending == "terminated":
            bootstrap, discounts[-1] = 0.0, 0.0
        returns = lambda_returns(np.array(rewards), np.array(discounts), np.append(values, bootstrap), a3c.gae_lambda)
        d_logits = policy_gradient(logits, np.array(actions), returns - values, a3c.entropy_weight)
        d = network.gradients(p, np.array(obs), d_logits, a3c.value_weight * 2 * (values - returns))

        eta = optimizer.learning_rate * max(0.0, (total_steps - total) / total_steps)
        flat = [np.concatenate([tree[name].ravel() for name in p]) for tree in (p, g, d)]
        step = rmsprop(*flat, eta, optimizer.decay, optimizer.epsilon, optimizer.max_gradient_norm)
        cuts = np.cumsum([array.size for array in p.values()])[:-1]
        for tree, vector in ((p, step.theta), (g, step.g)):
            for (name, array), piece in zip(list(tree.items()), np.split(vector, cuts)):
                tree[name] = piece.reshape(array.shape)
        total += len(actions)
        log.append(Update(len(actions), ending, score, entropy(logits).mean(), values.mean(), step.norm, eta))
        if ending:
            current = None
    return p, g, log
