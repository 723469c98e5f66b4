"""Hand-written gradients held against central differences, tensor by tensor, on the network that trains.

    dL/dtheta_i  ~  ( L(theta + h e_i) - L(theta - h e_i) ) / 2h            in float64, h = 1e-5

The same kernels run, in double precision.  ReLU has a corner at 0, where a difference sees one slope on either side: a
coordinate whose step carries any unit of the network across its corner is left out, and counted.
"""

from typing import Any, NamedTuple

import numpy as np

from .config import Config
from .layers.compose import RecurrentState, memories
from .parameters import Parameters

H = 1e-5
STEPS = 4                      # rows of the rollout that is differentiated
TOLERANCE = 1e-6               # of the tensor's largest gradient


class Row(NamedTuple):
    """One tensor."""

    name: str
    shape: tuple[int, ...]
    norm: float                # of the analytic gradient
    tried: int                 # coordinates compared
    corners: int               # coordinates left out
    analytic: float            # at the worst coordinate
    numeric: float             # there too
    error: float               # the largest difference, over the tensor's largest gradient

    @property
    def agrees(self) -> bool:
        """Whether the worst coordinate is within the tolerance."""
        return self.error <= TOLERANCE and self.tried > 0


class Problem:
    """A rollout of random observations, actions and returns, and the loss of a network on it."""

    def __init__(self, config: Config) -> None:
        env, rng = config.make_env(), np.random.default_rng(config.seed)
        self.network, self.algorithm = config.build_network(env), config.algorithm
        env.observation_space.seed(config.seed)
        self.obs = np.stack([env.observation_space.sample() for _ in range(STEPS)])
        if self.obs.dtype != np.uint8:
            self.obs = rng.normal(size=self.obs.shape)
        self.policy = config.algorithm.evaluation_policy(env.action_space)
        env.action_space.seed(config.seed)
        self.actions = np.stack([env.action_space.sample() for _ in range(STEPS)])
        self.returns = rng.normal(size=STEPS)
        self.theta = Parameters(self.network.shapes, dtype=np.float64)
        self.network.init(self.theta.tree, rng)
        self.cache = self.network.cache(STEPS, np.float64)
        state = RecurrentState(self.cache)
        state.write(0, rng.normal(size=state.size) / 2)                  # as in the middle of an episode
        self.advantages = self.algorithm.advantages(self.returns, self.outputs())     # held constant

    def outputs(self) -> Any:
        """The heads' outputs for theta as it stands."""
        return self.network.forward(self.theta.tree, self.obs, self.cache, slice(0, STEPS))

    def loss(self) -> float:
        """L(theta)."""
        return self.algorithm.loss(self.policy, self.actions, self.returns, self.advantages, self.outputs())

    def gradient(self) -> Parameters:
        """dL/dtheta by backpropagation."""
        d_theta = Parameters(self.network.shapes, dtype=np.float64)
        d_outputs = self.algorithm.loss_gradient(self.policy, self.actions, self.returns, self.outputs())
        self.network.backward(self.theta.tree, d_theta.tree, self.obs, self.cache, d_outputs, input_gradient=False)
        return d_theta

    def difference(self, value: np.ndarray, i: int) -> tuple[float, bool]:
        """The central difference at element ``i`` of a flat view into theta, and whether it spans a corner."""
        here, ends = value[i], []
        for value[i] in (here + H, here - H):
            ends.append((self.loss(), self.active()))
        value[i] = here
        (up, active_up), (down, active_down) = ends
        return (up - down) / (2 * H), any(map(np.any, map(np.not_equal, active_up, active_down)))

    def active(self) -> list[np.ndarray]:
        """Layer by layer, which units the latest forward pass left above 0; behind the heads there is no ReLU."""
        heads = {id(y) for y in self.cache.y}
        return [memory.y > 0 for memory in memories(self.cache) if id(memory.y) not in heads]


def check(config: Config, coordinates: int = 20) -> list[Row]:
    """Compare at the ``coordinates`` largest and random elements of every tensor."""
    if coordinates < 1:
        raise ValueError(f"coordinates must be at least 1; got {coordinates}")
    problem, rng = Problem(config), np.random.default_rng(config.seed)
    gradients, values = problem.gradient().named(), problem.theta.named()
    return [_check_tensor(problem, name, gradients[name], values[name], coordinates, rng) for name in values]


def _check_tensor(problem: Problem, name: str, gradient: np.ndarray, value: np.ndarray, coordinates: int,
                  rng: np.random.Generator) -> Row:
    analytic, flat = gradient.reshape(-1), value.reshape(-1)
    largest = np.argsort(-np.abs(analytic))[: (coordinates + 1) // 2]
    chosen = np.union1d(largest, rng.choice(len(flat), min(coordinates // 2, len(flat)), replace=False))
    differences = [problem.difference(flat, i) for i in chosen]
    smooth = [(analytic[i], numeric) for i, (numeric, corner) in zip(chosen, differences) if not corner]
    worst = max(smooth, key=lambda pair: abs(pair[0] - pair[1]), default=(np.nan, np.nan))
    error = abs(worst[0] - worst[1]) / max(np.abs(analytic).max(), 1e-12)
    norm, corners = float(np.linalg.norm(analytic)), len(chosen) - len(smooth)
    return Row(name, value.shape, norm, len(smooth), corners, float(worst[0]), float(worst[1]), float(error))


def table(rows: list[Row]) -> str:
    """The comparison, for people."""
    head = (f"{'tensor':24}{'shape':>14}{'norm':>12}{'tried':>7}{'corners':>9}{'analytic':>15}{'numeric':>15}"
            f"{'error':>10}")
    lines = [f"{row.name:24}{str(row.shape):>14}{row.norm:12.4e}{row.tried:7d}{row.corners:9d}{row.analytic:15.7e}"
             f"{row.numeric:15.7e}{row.error:10.1e}{'' if row.agrees else '  WRONG'}" for row in rows]
    return "\n".join([head, *lines])
