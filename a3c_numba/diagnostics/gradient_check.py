"""Compare the hand-written gradients with central differences, tensor by tensor, on the network that trains.

    dL/dtheta_i  ~  ( L(theta + h e_i) - L(theta - h e_i) ) / 2h            in float64, h = 1e-5

The kernels are those of training, in double precision.  ReLU has a corner at 0, with a different slope on each side: a
coordinate whose step moves any unit of the network across its corner is skipped, and counted.

The difference is divided by the largest gradient of the tensor.  The rounding error of two subtracted losses is the
same for all coordinates, so a gradient of nearly 0 never agrees to many of its own digits.
"""

from typing import Iterator, NamedTuple

import numpy as np

from ..config import Config
from ..core.gradient import Gradient
from ..core.layers.base import Outputs
from ..core.layers.recurrent_state import RecurrentState, layer_caches
from ..core.parameters import Parameters

H = 1e-5
STEPS = 4                      # rows of the rollout that is differentiated
TOLERANCE = 1e-6               # of the tensor's largest gradient
SAMPLE = 3                     # coordinates of each tensor that are printed beside the worst one


class Coordinate(NamedTuple):
    """One element of a tensor, its derivative by backpropagation and by a difference."""

    place: tuple[int, ...]     # its index
    analytic: float
    numeric: float
    corner: bool               # skipped: the difference spans a corner of a ReLU

    @property
    def difference(self) -> float:
        """Return |analytic - numeric|; infinity if either is NaN, so that it counts as the worst."""
        difference = abs(self.analytic - self.numeric)
        return np.inf if np.isnan(difference) else difference


class Row(NamedTuple):
    """The comparison of one tensor."""

    name: str
    shape: tuple[int, ...]
    norm: float                # of the analytic gradient
    largest: float             # |analytic| of all its elements
    coordinates: list[Coordinate]

    @property
    def smooth(self) -> list[Coordinate]:
        """Return the coordinates that can be compared."""
        return [coordinate for coordinate in self.coordinates if not coordinate.corner]

    @property
    def tried(self) -> int:
        """Return the number of compared coordinates."""
        return len(self.smooth)

    @property
    def corners(self) -> int:
        """Return the number of skipped coordinates."""
        return len(self.coordinates) - self.tried

    @property
    def worst(self) -> Coordinate:
        """Return the coordinate with the largest difference; NaN if none was compared."""
        return max(self.smooth, key=lambda each: each.difference, default=Coordinate((), np.nan, np.nan, False))

    @property
    def error(self) -> float:
        """Return the largest difference, over the tensor's largest gradient."""
        return self.relative(self.worst)

    @property
    def agrees(self) -> bool:
        """True if the worst coordinate is within the tolerance."""
        return self.error <= TOLERANCE and self.tried > 0

    def relative(self, coordinate: Coordinate) -> float:
        """Return a difference, over the tensor's largest gradient."""
        return float(coordinate.difference / max(self.largest, 1e-12))


class Problem:
    """A rollout of random observations, actions and returns, and the loss of a network on it."""

    def __init__(self, config: Config) -> None:
        spaces, rng = config.spaces, np.random.default_rng(config.seed)
        self.network, self.algorithm = config.build_network(spaces), config.algorithm
        spaces.observation_space.seed(config.seed)
        self.obs = np.stack([spaces.observation_space.sample() for _ in range(STEPS)])
        if self.obs.dtype != np.uint8:
            self.obs = rng.normal(size=self.obs.shape)
        self.distribution = config.algorithm.evaluation_policy(spaces.action_space)
        spaces.action_space.seed(config.seed)
        self.actions = np.stack([spaces.action_space.sample() for _ in range(STEPS)])
        self.returns = rng.normal(size=STEPS)
        self.theta = Parameters(self.network.shapes, dtype=np.float64)
        self.network.init(self.theta.tree, rng)
        self.cache = self.network.cache(STEPS, np.float64)
        state = RecurrentState(self.cache)
        state.write(0, rng.normal(size=state.size) / 2)                  # not 0, as in the middle of an episode
        self.advantages = self.algorithm.advantages(self.returns, self.outputs())     # held constant

    def outputs(self) -> Outputs:
        """Return the heads' outputs for the current theta."""
        return self.network.forward(self.theta.tree, self.obs, self.cache, slice(0, STEPS))

    def loss(self) -> float:
        """Return L(theta)."""
        return self.algorithm.loss(self.distribution, self.actions, self.returns, self.advantages, self.outputs())

    def gradient(self) -> Parameters:
        """Return dL/dtheta by backpropagation, through the factors of large weights as in training."""
        d_theta = Gradient(self.network.shapes, STEPS, self.network.factored, np.float64)
        d_outputs = self.algorithm.loss_gradient(self.distribution, self.actions, self.returns, self.outputs())
        self.network.backward(self.theta.tree, d_theta.tree, self.obs, self.cache, d_outputs, input_gradient=False)
        return Parameters(self.network.shapes, d_theta.copy())

    def difference(self, value: np.ndarray, i: int) -> tuple[float, bool]:
        """Return the central difference at element ``i`` of a flat view into theta, and True if it spans a corner."""
        here, ends = value[i], []
        for value[i] in (here + H, here - H):
            ends.append((self.loss(), self.active()))
        value[i] = here
        (up, active_up), (down, active_down) = ends
        return (up - down) / (2 * H), any(map(np.any, map(np.not_equal, active_up, active_down)))

    def active(self) -> list[np.ndarray]:
        """Return, for each layer, which units are above 0 after the latest forward pass; no ReLU follows the heads."""
        heads = {id(y) for y in self.cache.y}
        return [layer_cache.y > 0 for layer_cache in layer_caches(self.cache) if id(layer_cache.y) not in heads]


def check(config: Config, coordinates: int = 20) -> list[Row]:
    """Compare at the ``coordinates`` largest and random elements of every tensor."""
    if coordinates < 1:
        raise ValueError(f"coordinates must be at least 1; got {coordinates}")
    problem, rng = Problem(config), np.random.default_rng(config.seed)
    gradients, values = problem.gradient().named(), problem.theta.named()
    rows = []
    for name, value in values.items():
        analytic, flat = gradients[name].reshape(-1), value.reshape(-1)
        sizes = np.nan_to_num(np.abs(analytic), nan=np.inf)              # NaN comes first
        largest = np.argsort(-sizes)[: (coordinates + 1) // 2]
        chosen = np.union1d(largest, rng.choice(len(flat), min(coordinates // 2, len(flat)), replace=False))
        tried = []
        for i in map(int, chosen):
            numeric, corner = problem.difference(flat, i)
            place = tuple(int(k) for k in np.unravel_index(i, value.shape))
            tried.append(Coordinate(place, float(analytic[i]), float(numeric), corner))
        rows.append(Row(name, value.shape, float(np.linalg.norm(analytic)), float(np.abs(analytic).max()), tried))
    return rows


def table(rows: list[Row]) -> str:
    """Return the comparison as a table: a line for each tensor, some coordinates of each, the verdict."""
    head = (f"{'tensor':22}{'shape':>12}{'norm':>11}{'tried':>6}{'corners':>8}{'worst at':>14}{'analytic':>15}"
            f"{'numeric':>15}{'relative':>9}")
    lines = [f"{row.name:22}{'x'.join(map(str, row.shape)):>12}{row.norm:11.3e}{row.tried:6d}{row.corners:8d}"
             f"{_index(row.worst):>14}{row.worst.analytic:15.7e}{row.worst.numeric:15.7e}{row.error:9.1e}"
             f"{'' if row.agrees else '  WRONG'}" for row in rows]
    notes = ["", "relative: |analytic - numeric| over the tensor's largest gradient",
             "corners: left out, because the step of the difference moves a unit across the corner of its ReLU", ""]
    return "\n".join([head, *lines, *notes, *(line for row in rows for line in _sample(row)), verdict(rows)])


def _index(coordinate: Coordinate) -> str:
    return f"[{', '.join(map(str, coordinate.place))}]" if coordinate.place else "--"


def _sample(row: Row) -> Iterator[str]:
    """Yield the worst coordinate, the largest gradients, and one corner if there is any."""
    largest = sorted(row.smooth, key=lambda coordinate: -abs(coordinate.analytic))
    others = [("", coordinate) for coordinate in largest if coordinate is not row.worst][:SAMPLE]
    corners = [("left out", coordinate) for coordinate in row.coordinates if coordinate.corner][:1]
    yield f"{row.name:45}{'analytic':>15}{'numeric':>15}{'difference':>13}{'relative':>9}"
    for note, coordinate in [("worst", row.worst), *others, *corners]:
        yield (f"{note:>22}{_index(coordinate):>23}{coordinate.analytic:15.7e}{coordinate.numeric:15.7e}"
               f"{coordinate.difference:13.1e}{row.relative(coordinate):9.1e}")
    yield ""


def verdict(rows: list[Row]) -> str:
    """Return one line: whether backpropagation and differences agree, and the worst coordinate."""
    worst = max(rows, key=lambda row: np.inf if np.isnan(row.error) else row.error)
    where = f"the worst is {worst.name}{_index(worst.worst)} with {worst.error:.1e}"
    wrong = [row.name for row in rows if not row.agrees]
    if wrong:
        return f"WRONG: {len(wrong)} of {len(rows)} tensors, {', '.join(wrong)}; {where}, allowed {TOLERANCE:g}"
    return f"AGREE: {sum(row.tried for row in rows)} coordinates of {len(rows)} tensors; {where}, allowed {TOLERANCE:g}"
