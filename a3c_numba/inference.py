"""A network with its parameters, ready to act; used by evaluation, diagnostics and ``Agent.predict``."""

import numpy as np
import numpy.typing as npt

from .core.algorithms import Algorithm
from .core.distributions import ActionSpace, DiscreteActions
from .core.layers.base import Network, Outputs
from .core.layers.recurrent_state import RecurrentState
from .core.parameters import Parameters


class Room:
    """A cache of ``rows`` rows for one forward pass at a time."""

    def __init__(self, network: Network, rows: int) -> None:
        self.cache, self.rows = network.cache(rows, np.float32), rows
        self.recurrent = RecurrentState(self.cache)


class Policy:
    """pi(a|s; theta) of a built ``network``; ``theta`` (n,) float32 is not copied.

    Any number of threads may call its methods.  A pickle or a deep copy has one theta, too, with its own views.

    Attributes:
        pi: the action distribution.
        state_size: size of a recurrent network's state for one environment; 0 if it has none.
    """

    def __init__(self, network: Network, algorithm: Algorithm, action_space: ActionSpace, theta: np.ndarray) -> None:
        self.network, self.algorithm, self.action_space = network, algorithm, action_space
        self.pi = algorithm.evaluation_policy(action_space)
        self.parameters = Parameters(network.shapes, theta)
        self._free = [Room(network, 1)]                                  # not in use; a call takes one, and returns it
        self.state_size = self._free[0].recurrent.size

    def __reduce__(self) -> tuple[type["Policy"], tuple[Network, Algorithm, ActionSpace, np.ndarray]]:
        """Build a copy anew: a view would be copied as an array of its own."""
        return Policy, (self.network, self.algorithm, self.action_space, self.parameters.flat)

    def _take_room(self, rows: int) -> Room:
        """Return a room of at least ``rows`` rows that no other thread has."""
        try:
            room = self._free.pop()
        except IndexError:
            return Room(self.network, rows)
        return room if room.rows >= rows else Room(self.network, rows)

    def initial_state(self, n: int) -> np.ndarray:
        """Return the recurrent state at the start of n episodes: zeros (n, state_size)."""
        return np.zeros((n, self.state_size), np.float32)

    def outputs(self, obs: np.ndarray, state: np.ndarray) -> tuple[Outputs, np.ndarray]:
        """Return the heads' outputs for a batch (n, *observation_shape) and the state after it: new arrays (n, ...)."""
        obs = np.ascontiguousarray(obs)
        room = self._take_room(1 if self.state_size else len(obs))
        after = state
        if self.state_size:                                              # rows of a cache are in the order of time
            heads, states = [], []
            for row, before in zip(obs, state):
                room.recurrent.write(0, before)
                heads.append(self._forward(room, row[None]))
                states.append(room.recurrent.read(1))
            outputs, after = tuple(np.concatenate(rows) for rows in zip(*heads)), np.stack(states)
        else:
            outputs = self._forward(room, obs)
        self._free.append(room)
        return outputs, after

    def _forward(self, room: Room, obs: np.ndarray) -> Outputs:
        outputs = self.network.forward(self.parameters.tree, obs, room.cache, slice(0, len(obs)))
        return tuple(output.copy() for output in outputs)

    def choose(self, outputs: Outputs, rng: np.random.Generator, deterministic: bool = False) -> np.ndarray:
        """Return an action for each row (n, *action_shape): drawn from the policy, or the best one."""
        if deterministic:
            return self.pi.best(outputs[0])
        return np.array([self.pi.sample(row, rng) for row in outputs[0]], self.pi.action_dtype)

    def predict(self, obs: np.ndarray, state: np.ndarray | None, episode_start: npt.ArrayLike | None,
                rng: np.random.Generator, deterministic: bool) -> tuple[int | np.ndarray, np.ndarray | None]:
        """Return executable actions for observations (n, ...), or one for one, and the state: see ``Agent.predict``."""
        shape = self.network.input_shape
        if obs.shape != shape and obs.shape[1:] != shape:
            raise ValueError(f"observations must be of shape {shape} or (n, *{shape}); got {obs.shape}")
        if not len(obs):
            raise ValueError("observations: the batch is empty")
        batch = obs.reshape(-1, *shape)
        before = self.initial_state(len(batch))
        if self.state_size:
            before = as_recurrent_state(state, episode_start, before.shape)
        outputs, after = self.outputs(batch, before)
        actions = np.array([self.pi.executed(action) for action in self.choose(outputs, rng, deterministic)])
        last = after if self.state_size else state
        if obs.shape == shape:
            return (int(actions[0]) if actions.ndim == 1 else actions[0]), last
        return actions, last

    def gradients(self, obs: np.ndarray, actions: np.ndarray, returns: np.ndarray) -> dict[str, np.ndarray]:
        """Return dL/dtheta by name, of one rollout from recurrent state 0; raise ValueError if it is none."""
        T, pi, shape = len(obs), self.pi, self.network.input_shape
        if not T or (obs.shape[1:], actions.shape, returns.shape) != (shape, (T, *pi.action_shape), (T,)):
            raise ValueError(f"obs {obs.shape}, actions {actions.shape} and returns {returns.shape} are no rollout")
        whole = actions.dtype.kind in "iu"
        if isinstance(pi, DiscreteActions) and not (whole and 0 <= actions.min() <= actions.max() < pi.n):
            raise ValueError(f"actions must be whole numbers in 0 .. {pi.n - 1}; got {actions.tolist()}")
        cache, d_theta = self.network.cache(T, np.float32), Parameters(self.network.shapes)
        outputs = self.network.forward(self.parameters.tree, obs, cache, slice(0, T))
        d_outputs = self.algorithm.loss_gradient(pi, actions.astype(pi.action_dtype), returns, outputs)
        self.network.backward(self.parameters.tree, d_theta.tree, obs, cache, d_outputs, input_gradient=False)
        return d_theta.named()

    def action_probabilities_and_value(self, outputs: Outputs) -> tuple[np.ndarray, float]:
        """Return the probabilities (actions,) and the value of the first row, for display."""
        return self.pi.display_probabilities(outputs[0][0]), float(self.algorithm.value(outputs)[0])


def as_observations(obs: npt.ArrayLike, dtype: np.dtype) -> np.ndarray:
    """Return the caller's observations as ``dtype``; raise ValueError, one line, if integers would change."""
    given = np.asarray(obs)
    if given.dtype.kind not in ("biuf" if dtype.kind == "f" else "biu"):
        raise ValueError(f"observations must be {dtype}; got {given.dtype}")
    taken = np.ascontiguousarray(given, dtype)
    if dtype.kind == "f" and not np.isfinite(taken).all():
        raise ValueError("observations must be finite numbers")
    if dtype.kind != "f" and (taken != given).any():
        raise ValueError(f"observations must be {dtype}; got numbers from {given.min()} to {given.max()}")
    return taken


def as_recurrent_state(state: npt.ArrayLike | None, episode_start: npt.ArrayLike | None,
                       shape: tuple[int, ...]) -> np.ndarray:
    """Return the caller's recurrent state (n, size), 0 at episode starts; raise ValueError if the shape is wrong."""
    if state is None:
        return np.zeros(shape, np.float32)
    if np.shape(state) != shape:
        raise ValueError(f"state must be of shape {shape}, as predict returned it; got {np.shape(state)}")
    before = np.array(state, np.float32)
    if episode_start is not None:
        starts = np.asarray(episode_start, bool)
        if starts.shape not in ((), shape[:1]):
            raise ValueError(f"episode_start must be of shape {shape[:1]}; got {starts.shape}")
        before[np.broadcast_to(starts, shape[0])] = 0
    return before
