"""The parameter server: it holds theta for all nodes, the centre, and takes up what each of them has learned.

    centre <- centre + delta,  T <- T + steps         Downpour (Dean et al. 2012); Gorila (Nair et al. 2015)

A delta whose base lies more than ``max_staleness`` versions back is discarded (Gorila) and counted; its steps still
count.  A delta that comes again, since its reply was late or lost, is answered with the centre and not added: each
sender's last serial number is kept.  The server has no optimiser of its own: a delta is the result of a node's.

It knows no network and no engine: Ray makes an actor of it, tests call it directly.
"""

import numpy as np

from .messages import Counts, Delta, Reply, State


class ParameterServer:
    """One parameter server.  It is empty until ``load``: a restarted one has no theta to hand out."""

    def __init__(self, max_staleness: int) -> None:
        self.max_staleness = max_staleness
        self.state: State | None = None
        self.accepted, self.refused = 0, 0
        self.serials: dict[str, int] = {}                                # sender -> of its last delta

    def load(self, state: State) -> None:
        """Take up a run's state: at its start, or from the last checkpoint."""
        _check("theta", state.theta, len(state.theta))
        self.state = state._replace(theta=state.theta.copy())            # Ray's arrays are read-only
        self.serials = dict(state.serials or {})

    def join(self) -> State | None:
        """Return what a node starts from, with its number as ``joined``; None while the server is empty."""
        welcome = self.snapshot()
        if self.state is not None:
            self.state = self.state._replace(joined=self.state.joined + 1)
        return welcome

    def exchange(self, delta: Delta) -> Reply | None:
        """Take up a delta unless it is too old, or came before; return the centre, or None while the server is empty.

        Raises ValueError, in one line, for a delta of another length or with numbers that are not finite.
        """
        state = self.state
        if state is None:
            return None
        _check("a delta", delta.theta, len(state.theta))
        if delta.serial > self.serials.get(delta.sender, 0):
            state = self.state = self._taken(state, delta)
            self.serials[delta.sender] = delta.serial
        return Reply(state.theta.copy(), state.version, state.global_step)

    def _taken(self, state: State, delta: Delta) -> State:
        accepted = state.version - delta.version <= self.max_staleness
        if accepted:
            np.add(state.theta, delta.theta, out=state.theta)
            self.accepted += 1
            state = state._replace(statistics=state.statistics if delta.statistics is None else delta.statistics,
                                   target=state.target if delta.target is None else delta.target)
        else:
            self.refused += 1
        return state._replace(version=state.version + accepted, global_step=state.global_step + delta.steps)

    def snapshot(self) -> State | None:
        """Return a copy of the state, or None while the server is empty."""
        return self.state and self.state._replace(theta=self.state.theta.copy(), serials=dict(self.serials))

    def counts(self) -> Counts:
        """Return the numbers that the driver watches."""
        state = self.state
        if state is None:
            return Counts(False, self.accepted, self.refused, 0, 0)
        return Counts(True, self.accepted, self.refused, state.joined, state.global_step)


def _check(name: str, vector: np.ndarray, size: int) -> None:
    if vector.dtype != np.float32 or vector.shape != (size,):
        raise ValueError(f"{name} must be float32 ({size},); got {vector.dtype} {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} holds numbers that are not finite")
